"""Lives a case's steps again through the rules and the ledger, as the step flow does, and gives the columns it would have written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.cases import ledger, rules
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry
from domain.cases.rules import By, Facts, StepInput

COLUMNS = (
    "state", "department_id", "proposed_department_id", "phase", "due_at", "filed_at", "dispatched_at", "accepted_at", "handled_at",
    "verified_at", "closed_at", "first_reply_at", "handle_due_at", "late_at", "rate_until", "bounces", "reworks", "reopens", "extensions",
    "pending_request", "back_to", "wants_rating", "satisfaction", "revision",
)  # fmt: skip


def lived(
    case: Mapping[str, Any], steps: Sequence[Sequence[Any]], limit: tuple[int, str], calendar: Calendar,
    said: Mapping[tuple[UUID, datetime], str], case_id: UUID, until: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Begin as intake does and take every step after it."""
    opened_at = steps[0][3]
    checked = steps[0][0] == "take_in"
    first = 1 if checked or len(steps) == 1 or steps[1][3] != opened_at or steps[1][0] != "dispatch" else 2
    entries = [Entry(opened_at, "start", *(("check", *rules.CHECK_LIMIT) if checked else ("handle", *limit)))]
    due_at = ledger.read(entries, calendar).due_at
    now: dict[str, Any] = dict.fromkeys(COLUMNS) | dict.fromkeys(("bounces", "reworks", "reopens", "extensions"), 0)
    now |= {
        "state": steps[first - 1][2], "department_id": steps[first - 1][5], "proposed_department_id": case["proposed_department_id"],
        "phase": entries[0].phase, "due_at": due_at, "wants_rating": case["wants_rating"], "revision": 1,
        "filed_at": None if checked else opened_at, "dispatched_at": opened_at if first == 2 else None,
        "handle_due_at": None if checked else due_at,
    }  # fmt: skip
    for verb, before, after, at, actor, department, reason in steps[first:]:
        assert before == now["state"]
        _miss(now, at)
        facts = Facts(limit=limit, **{name: value for name, value in now.items() if name in Facts.__slots__})
        by = By(kind="staff" if actor else "reporter" if verb in ("rate", "reopen") else "system", user_id=actor)
        amount, unit = limit if verb == "ask_extension" else (None, None)
        given = StepInput(department_id=department, reason=reason, satisfaction=said.get((case_id, at)), amount=amount, unit=unit)
        if verb in ("extend", "suspend"):
            facts = replace(facts, requested=limit)
        decision = rules.decide(facts, verb, given, by, at=at)
        assert decision.after == after
        changes = {name: value for name, value in decision.changes.items() if name in COLUMNS}
        for op in decision.clock:
            entries.append(Entry(op.at, op.kind, op.phase, op.amount, op.unit))
            reading = ledger.read(entries, calendar)
            paused = op.kind == "pause"
            changes |= {"phase": reading.phase if reading.running or paused else None, "due_at": reading.due_at}
            if reading.due_at is not None and reading.phase == "handle":
                changes["handle_due_at"] = reading.due_at
        if actor and now["wants_rating"] and verb in rules.TELLS_REPORTER and now["first_reply_at"] is None:
            changes["first_reply_at"] = at
        now |= changes | {"state": after, "revision": now["revision"] + 1}
    _miss(now, until)
    return now


def _miss(now: dict[str, Any], at: datetime) -> None:
    """Note a handling deadline that has passed, as the worker would have."""
    if now["phase"] == "handle" and now["due_at"] is not None and now["due_at"] < at and now["late_at"] is None:
        now["late_at"] = now["due_at"]
