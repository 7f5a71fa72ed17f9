"""The clock of a case as anyone may recompute it: every entry of its ledger, and every rise after a missed deadline."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.entity import column, derived, entity, one
from api.graph.people import Department
from api.graph.words import Words
from domain.cases.escalation import LEVEL_NAMES


def _level_words(level: int) -> dict[str, str]:
    zh, en = LEVEL_NAMES[level]
    return {"zh": zh, "en": en}


@entity("case_clock", "One entry of a case's clock ledger; entries are never changed.")
class ClockEntry:
    """A row of the ledger."""

    seq: int = column("{0}.seq", "Order of the entries, from 1.")
    at: datetime = column("{0}.at", "From when it holds.")
    kind: str = column("{0}.kind", "start, pause, resume, extend, stop, or recompute: the calendar changed.")
    phase: str = column("{0}.phase", "Whose clock: check, handle or verify.")
    amount: int | None = column("{0}.amount", "Allowance given by a start or an extension.")
    unit: str | None = column("{0}.unit", "urgent_hour, urgent_day, work_hour or work_day.")
    calendar_version: str = column("{0}.calendar_version", "Library, release and hash of the calendar it was computed with.")
    due_at: datetime | None = column("{0}.due_at", "The deadline after this entry; null while the clock does not run.")
    provisional: bool = column("{0}.provisional", "The deadline lies beyond the published holidays.")
    actor_name: str | None = column(
        "(select u.display_name from users u where u.id = {0}.actor_id)", "Who; null for the system or the reporter."
    )
    reason: str | None = column("{0}.reason", "Why, where a reason was given.")


@entity("case_escalations", "A missed deadline (level 0) or a rise to a higher level after it.")
class CaseEscalation:
    """A rise of a case."""

    id: strawberry.ID = column("{0}.id", "Id.")
    level: int = column("{0}.level", "0: the unit itself, at the deadline; 1 town, 2 district, 3 city.")
    level_name: Words = derived("{0}.level", _level_words, "Name of the level.")
    phase: str = column("{0}.phase", "Which clock was late: check, handle or verify.")
    due_at: datetime = column("{0}.due_at", "When it was due to rise.")
    at: datetime = column("{0}.at", "When that was noticed.")
    department: Department | None = one("{0}.id = {1}.department_id", "Who owes the explanation; null where no unit does.")
    explanation: str | None = column("{0}.explanation", "The unit's written explanation.")
    explained_at: datetime | None = column("{0}.explained_at", "When it explained.")
    explained_by_name: str | None = column("(select u.display_name from users u where u.id = {0}.explained_by)", "Who explained.")
