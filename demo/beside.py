"""Rows beside the cases of an imagined history: steps, ledgers, timers, rises, requests, ratings, greetings and events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from demo import bulk
from demo.bulk import NULL
from demo.fates import Fates
from demo.history import History, limit_of
from domain.routing.choose import Choice

Row = tuple[str, ...]

_REASONS: Final = {
    "return": "位置描述不清，请核实后再派", "rework": "现场复核未达标，请返工", "reject": "不在本市范围内",
    "refute": "现场核查未发现该问题", "ask_suspension": "须等待管线产权单位开挖许可", "suspend": "等待开挖许可，同意挂账",
    "ask_extension": "材料未到，申请延期", "reopen": "问题再次出现", "close": "已电话回访说明情况",
}  # fmt: skip
# Steps of whoever handles the case, of whoever checks on the spot, of supervision; the others are the dispatcher's.
_HANDLING: Final = frozenset(("accept", "start", "finish", "return", "ask_extension", "ask_suspension"))
_CHECKING: Final = frozenset(("confirm", "refute"))
_SUPERVISING: Final = frozenset(("verify", "rework", "close", "extend", "suspend", "resume", "reject"))
_REPORTERS: Final = frozenset(("rate", "reopen"))
_WITHOUT_UNIT: Final = frozenset(("checking", "filed", "rejected"))
_GREETING: Final = "您好，您反映的「{}」已收到（编号 {}），凭查询码可随时查看进展。感谢您的关心。"
_GREETING_EN: Final = "Hello, your report has been received (number {}). Thank you."
_EXPLANATION: Final = "当日同类案件集中，人手不足，已加派人员"

TOLD_DAYS: Final = 7
STEP: Final = ("id", "case_id", "at", "verb", "from_state", "to_state", "actor_id", "department_id", "reason")
EVENT: Final = ("id", "position", "at", "kind", "case_id", "department_id", "leaves", "actor_id")
TICK: Final = ("id", "case_id", "seq", "at", "kind", "phase", "amount", "unit", "calendar_version", "due_at", "provisional")
TIMER: Final = ("case_id", "chain", "kind", "due_at")
RISE: Final = ("id", "case_id", "level", "phase", "due_at", "at", "department_id", "explanation", "explained_at", "explained_by")
REQUEST: Final = ("id", "case_id", "kind", "amount", "unit", "reason", "asked_by", "asked_at", "decision", "decided_by", "decided_at")
RATING: Final = ("id", "case_id", "report_id", "round", "satisfaction", "at", "submission_id")
MESSAGE: Final = ("id", "case_id", "report_id", "kind", "text", "text_en", "template_code", "at")


@dataclass(frozen=True, slots=True)
class Staff:
    """Who takes the steps: accounts by user name and by department, ids in hex."""

    by_name: dict[str, str]
    by_department: dict[UUID, str]

    def handler(self, choice: Choice, county: str) -> str:
        """Name who handles a case: the department's own clerk, else the county's grid manager."""
        own = self.by_department.get(choice.department.id) if choice.department else None
        return own or self.grid_manager(county)

    def grid_manager(self, county: str) -> str:
        """Name who checks on the spot."""
        return self.by_name.get("wangge-fenyi" if county == "360521" else "wangge-yushui", NULL)


@dataclass(frozen=True)
class Told:
    """The history with everything several tables need as COPY text, one entry a case."""

    history: History
    fates: Fates
    rng: np.random.Generator
    case_id: list[str]
    report_id: list[str]
    receipt_id: list[str]
    opened: list[str]
    number: list[str]
    position: list[str]
    areas: list[str]
    department: list[str]
    handler: list[str]
    checker: list[str]
    submitter: list[str]
    dispatcher: str
    supervisor: str
    first_number: int
    head: int

    def actor(self, case: int, verb: str) -> str:
        """Name who took a step."""
        if verb in _REPORTERS:
            return NULL
        if verb in _HANDLING or verb in _CHECKING:
            return (self.handler if verb in _HANDLING else self.checker)[case]
        return self.supervisor if verb in _SUPERVISING else self.dispatcher

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The steps in order of time."""
        found: NDArray[np.int64] = np.argsort(self.history.lives.at, kind="stable")
        return found


def hex_of(value: UUID | None) -> str:
    """Write an id for COPY."""
    return value.hex if value is not None else NULL


def steps(told: Told) -> Iterator[Row]:
    """Every step; two at one instant are told apart by their ids, which sort in order."""
    history, lives, order = told.history, told.history.lives, told.order
    pairs = zip(bulk.ids(history.opened, told.rng), bulk.ids(history.opened, told.rng), history.begun.checked_first.tolist(), strict=True)
    for i, (one, other, checked) in enumerate(pairs):
        first, second = sorted((one, other))
        if checked:
            yield first, told.case_id[i], told.opened[i], "take_in", NULL, "checking", NULL, NULL, NULL
            continue
        yield first, told.case_id[i], told.opened[i], "file", NULL, "filed", NULL, NULL, NULL
        if told.department[i] != NULL:
            yield second, told.case_id[i], told.opened[i], "dispatch", "filed", "dispatched", NULL, told.department[i], NULL
    names = _sorted_ids(lives.case[order], lives.at[order], told)
    columns = (column[order].tolist() for column in (lives.case, lives.verb, lives.before, lives.after, lives.system))
    for step, at, i, verb, before, after, system in zip(names, bulk.instants(lives.at[order]), *columns, strict=True):
        department = NULL if after in _WITHOUT_UNIT else told.department[i]
        reason = NULL if system else _REASONS.get(verb, NULL)
        yield step, told.case_id[i], at, verb, before, after, NULL if system else told.actor(i, verb), department, reason


def _sorted_ids(case: NDArray[np.int64], at: bulk.Instants, told: Told) -> list[str]:
    """Make ids that sort as the steps of one instant and case follow each other."""
    found = bulk.ids(at, told.rng)
    last: dict[int, int] = {}
    moments = at.astype(np.int64).tolist()
    for i, number in enumerate(case.tolist()):
        before = last.get(number)
        if before is not None and moments[before] == moments[i] and found[before] > found[i]:
            found[before], found[i] = found[i], found[before]
        last[number] = i
    return found


def ticks(told: Told) -> Iterator[Row]:
    """The ledgers of the cases that are open."""
    rows = [(case, seq, tick) for case, of in told.fates.ticks.items() for seq, tick in enumerate(of, 1)]
    version = bulk.text(told.history.calendar.version)
    names = bulk.ids(np.array([_plain(tick.entry.at) for _, _, tick in rows], "datetime64[s]"), told.rng)
    for name, (case, seq, tick) in zip(names, rows, strict=True):
        entry = tick.entry
        amount, unit = (NULL, NULL) if entry.amount is None else (str(entry.amount), entry.unit or NULL)
        yield (
            name, told.case_id[case], str(seq), entry.at.isoformat(), entry.kind, entry.phase, amount, unit, version,
            tick.due_at.isoformat() if tick.due_at else NULL, "t" if tick.provisional else "f",
        )  # fmt: skip


def timers(told: Told) -> Iterator[Row]:
    """What the open cases wake for next."""
    for case, chain, kind, due_at in told.fates.timers:
        yield told.case_id[case], chain, kind, due_at.isoformat()


def rises(told: Told, at: datetime) -> Iterator[Row]:
    """Missed deadlines and what they set off; the unit has explained itself an hour later."""
    found = told.fates.rises
    names = bulk.ids(np.array([_plain(due) for _, _, due in found], "datetime64[s]"), told.rng)
    for name, (case, level, due_at) in zip(names, found, strict=True):
        when, explained = due_at.isoformat(), due_at + timedelta(hours=1)
        said = (_EXPLANATION, explained.isoformat(), told.handler[case]) if explained <= at else (NULL, NULL, NULL)
        yield name, told.case_id[case], str(level), "handle", when, when, told.department[case], *said


def requests(told: Told) -> Iterator[Row]:
    """Requests to extend or suspend, and how supervision decided."""
    lives = told.history.lives
    asked = np.flatnonzero(np.isin(lives.verb, ("ask_extension", "ask_suspension")))
    at = bulk.instants(lives.at)
    for name, i in zip(bulk.ids(lives.at[asked], told.rng), asked.tolist(), strict=True):
        case, verb = int(lives.case[i]), str(lives.verb[i])
        decided = i + 1 < len(lives.case) and lives.case[i + 1] == case and lives.verb[i + 1] in ("extend", "suspend")
        amount, unit = limit_of(told.history.matters[case]) if verb == "ask_extension" else (NULL, NULL)
        decision = ("granted", told.supervisor, at[i + 1]) if decided else (NULL, NULL, NULL)
        kind = verb.removeprefix("ask_")
        yield name, told.case_id[case], kind, str(amount), unit, _REASONS[verb], told.handler[case], at[i], *decision


def ratings(told: Told) -> Iterator[Row]:
    """What reporters thought of the results."""
    lives = told.history.lives
    rated = np.flatnonzero(lives.verb == "rate")
    again = {int(case): at for case, at in zip(lives.case[_redone(lives.verb)], lives.at[_redone(lives.verb)], strict=True)}
    names, keys = bulk.ids(lives.at[rated], told.rng), bulk.ids(lives.at[rated], told.rng)
    for name, key, i, at in zip(names, keys, rated.tolist(), bulk.instants(lives.at[rated]), strict=True):
        case = int(lives.case[i])
        later = "1" if case in again and again[case] < lives.at[i] else "0"
        yield name, told.case_id[case], told.report_id[case], later, str(lives.told[i]), at, key


def _redone(verbs: NDArray[np.str_]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.isin(verbs, ("rework", "reopen"))
    return found


def greetings(told: Told) -> Iterator[Row]:
    """The automatic first reply to everybody of the public."""
    public = np.flatnonzero(told.history.begun.wants_rating)
    for name, i in zip(bulk.ids(told.history.opened[public], told.rng), public.tolist(), strict=True):
        words = _GREETING.format(bulk.text(told.history.matters[i].name), told.number[i]), _GREETING_EN.format(told.number[i])
        yield name, told.case_id[i], told.report_id[i], "auto_reply", *words, "auto_reply", told.opened[i]


def events(told: Told) -> Iterator[Row]:
    """Everything that happened in the last days, in order of time: the order their positions tell.

    A live feed is followed by days, not by months; the steps tell the whole story.
    """
    history, lives, rises = told.history, told.history.lives, told.fates.rises
    case = np.concatenate([np.arange(len(history.opened)), lives.case, np.array([case for case, _, _ in rises], np.int64)])
    at = np.concatenate([history.opened, lives.at, np.array([_plain(due) for _, _, due in rises], "datetime64[s]")])
    risen = np.array(["escalated" if level else "overdue" for _, level, _ in rises], "<U16")
    kind = np.concatenate([np.full(len(history.opened), "opened", "<U16"), lives.verb.astype("<U16"), risen])
    held = np.concatenate([np.where(history.begun.checked_first, "filed", "dispatched"), lives.after, np.full(len(rises), "dispatched")])
    system = np.concatenate([np.zeros(len(history.opened), np.bool_), lives.system, np.ones(len(rises), np.bool_)])
    order = np.argsort(at, kind="stable")
    order = order[at[order] > at[order[-1]] - TOLD_DAYS * np.timedelta64(1, "D")]
    sorted_ = (column[order].tolist() for column in (case, kind, held, system))
    columns = zip(bulk.ids(at[order], told.rng), bulk.instants(at[order]), *sorted_, strict=True)
    for position, (event, moment, i, verb, after, alone) in enumerate(columns, told.head + 1):
        actor = told.submitter[i] if verb == "opened" else NULL if alone else told.actor(i, verb)
        leaves = verb == "return"
        unit = told.department[i] if leaves or after not in _WITHOUT_UNIT else NULL
        yield event, str(position), moment, f"case.{verb}", told.case_id[i], unit, "t" if leaves else "f", actor


def _plain(value: datetime) -> np.datetime64:
    return np.datetime64(value.replace(tzinfo=None), "s")
