"""What has become of every case of the history: the columns, ledgers, timers and rises its steps have left behind.

Most cases are told by arrays. Those that are open, late or had their clock changed go one by one through the real ledger,
the real ladder and the real timers, so that the worker goes on with them as if it had always been there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from demo.bulk import Instants
from demo.history import History, limit_of
from domain.cases import escalation, ledger, rules, timers
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry
from domain.cases.lifecycle import BY_VERB, ENDED_STATES

Ints = NDArray[np.int64]
_NAT: Final = np.datetime64("NaT", "s")
_PHASE: Final = {
    "checking": "check", "filed": "handle", "dispatched": "handle", "accepted": "handle", "handling": "handle", "suspended": "handle",
    "handled": "verify",
}  # fmt: skip
_CHANGES_THE_CLOCK: Final = ("extend", "suspend", "rework", "reopen")


@dataclass(frozen=True, slots=True)
class Tick:
    """One row of a ledger with its deadline."""

    entry: Entry
    due_at: datetime | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class Fates:
    """The cases' columns as they are at the end, and the rows beside them by number of the case."""

    state: NDArray[np.str_]
    phase: NDArray[np.str_]
    filed: Instants
    dispatched: Instants
    accepted: Instants
    first_reply: Instants
    handled: Instants
    verified: Instants
    closed: Instants
    updated: Instants
    due: Instants
    overdue: Instants
    handle_due: Instants
    late: Instants
    rate_until: Instants
    has_unit: NDArray[np.bool_]
    counts: dict[str, Ints]
    level: Ints
    satisfaction: NDArray[np.str_]
    back_to: NDArray[np.str_]
    pending: NDArray[np.str_]
    provisional: NDArray[np.bool_]
    ticks: dict[int, list[Tick]] = field(default_factory=dict)
    rises: list[tuple[int, int, datetime]] = field(default_factory=list)
    timers: list[tuple[int, str, str, datetime]] = field(default_factory=list)


def tell(history: History, at: datetime) -> Fates:
    """Work out what has become of every case by ``at``."""
    fates = _by_arrays(history)
    limit = np.datetime64(at.replace(tzinfo=None), "s")
    running = np.array([state in _PHASE and state != "suspended" for state in fates.state.tolist()])
    open_ = ~np.isin(fates.state, ENDED_STATES)
    finished_late = fates.handled > fates.handle_due
    overdue = running & (fates.phase == "handle") & (fates.handle_due <= limit)
    changed = np.zeros(len(open_), np.bool_)
    lives = history.lives
    changed[lives.case[np.isin(lives.verb, _CHANGES_THE_CLOCK)]] = True
    bounds = np.searchsorted(lives.case, np.arange(len(open_) + 1)).tolist()
    verbs, moments = lives.verb.tolist(), lives.at.astype("datetime64[s]").tolist()
    for case in np.flatnonzero(open_ | finished_late | overdue | changed).tolist():
        steps = [(verbs[i], moments[i].replace(tzinfo=UTC)) for i in range(bounds[case], bounds[case + 1])]
        _one_by_one(history, fates, case, steps, at)
    return fates


def _by_arrays(history: History) -> Fates:
    lives, begun, count = history.lives, history.begun, len(history.opened)
    last = {verb: _last(lives.case[lives.verb == verb], lives.at[lives.verb == verb], count) for verb in BY_VERB}
    state = np.where(begun.checked_first, "checking", np.where(begun.owned, "dispatched", "filed")).astype("<U12")
    state[lives.case] = lives.after  # in order of time, so the last one stays
    updated = history.opened.copy()
    updated[lives.case] = lives.at
    direct = ~begun.checked_first
    filed = _newest(np.where(direct, history.opened, last["confirm"]), last["reopen"])
    dispatched = _unless(_newest(np.where(direct & begun.owned, history.opened, _NAT), last["dispatch"]), last["return"], last["reopen"])
    accepted = _unless(last["accept"], last["return"], last["reopen"])
    undone = (last["rework"], last["reopen"])
    handled, verified = _unless(last["finish"], *undone), _unless(last["verify"], *undone)
    rated = _unless(last["rate"], *undone)
    said = np.full(count, "", "<U12")
    said[lives.case[lives.verb == "rate"]] = lives.told[lives.verb == "rate"]
    closed = _unless(_newest(last["close"], last["reject"], last["refute"]), last["reopen"])
    phase = np.array([_PHASE.get(one, "") for one in state.tolist()])
    asked = {"ask_extension": "extension", "ask_suspension": "suspension"}
    pending, back_to = np.full(count, "", "<U12"), np.full(count, "", "<U12")
    for verb, kind in asked.items():
        waits = ~np.isnat(_unless(last[verb], last["extend"], last["suspend"], last["finish"]))
        pending[waits] = kind
    back_to[lives.case[lives.verb == "suspend"]] = lives.before[lives.verb == "suspend"]
    counts = {verb: np.bincount(lives.case[lives.verb == verb], minlength=count) for verb in ("return", "rework", "reopen", "extend")}
    counts["return"] = np.where(counts["reopen"] > 0, 0, counts["return"])
    told = begun.wants_rating & np.ones(count, np.bool_)
    answers = np.isin(lives.verb, rules.TELLS_REPORTER) & ~lives.system & told[lives.case]
    nobody = np.full(count, _NAT)
    return Fates(
        state=state, phase=phase, filed=filed, dispatched=dispatched, accepted=accepted,
        first_reply=_first(lives.case[answers], lives.at[answers], count), handled=handled, verified=verified, closed=closed,
        updated=updated, due=nobody.copy(), overdue=nobody.copy(), handle_due=np.where(np.isnat(filed), _NAT, history.due),
        late=nobody.copy(),
        rate_until=np.where(begun.wants_rating, verified + np.timedelta64(7, "D"), _NAT), has_unit=~np.isnat(dispatched), counts=counts,
        level=np.zeros(count, np.int64), satisfaction=np.where(np.isnat(rated), "", said),
        back_to=np.where(state == "suspended", back_to, ""), pending=pending, provisional=np.zeros(count, np.bool_),
    )  # fmt: skip


def _one_by_one(history: History, fates: Fates, case: int, steps: Sequence[tuple[str, datetime]], at: datetime) -> None:
    """Keep one case's books as its steps would have kept them."""
    calendar, ticks = history.calendar, ledger_of(history, case, steps)
    entries = [tick.entry for tick in ticks]
    due_at, phase, late_at = ticks[-1].due_at, str(fates.phase[case]), None
    rising: list[tuple[int, datetime]] = []
    for i, tick in enumerate(ticks):
        if tick.entry.phase == "handle" and tick.due_at is not None:
            fates.handle_due[case] = _plain(tick.due_at)
            until = ticks[i + 1].entry.at if i + 1 < len(ticks) else at
            if late_at is None and tick.due_at < until:
                late_at = tick.due_at
                rising = list(_rungs(entries[: i + 1], tick.due_at, calendar, until))
    fates.late[case] = _NAT if late_at is None else _plain(late_at)
    if rising:
        fates.updated[case] = max(fates.updated[case], _plain(rising[-1][1]))
    fates.rises.extend((case, level, when) for level, when in rising)
    fates.level[case] = max((level for level, _ in rising), default=0) if not fates.counts["reopen"][case] else 0
    if fates.state[case] in ENDED_STATES:
        return
    fates.ticks[case] = ticks
    fates.due[case] = _NAT if due_at is None or not phase else _plain(due_at)
    fates.overdue[case] = fates.due[case] if due_at is not None and due_at <= at else _NAT
    fates.provisional[case] = ticks[-1].provisional
    _timers(history, fates, case, entries, due_at if phase else None, at)


def _rungs(entries: list[Entry], due_at: datetime, calendar: Calendar, until: datetime) -> list[tuple[int, datetime]]:
    found = [(escalation.GRID, due_at)]
    for rung in escalation.RUNGS:
        when = escalation.rises_at(entries, calendar, rung.level)
        if when is None or when > until:
            break
        found.append((rung.level, when))
    return found


def _timers(history: History, fates: Fates, case: int, entries: list[Entry], due_at: datetime | None, at: datetime) -> None:
    """Set what the case wakes for next; what has come before ``at`` has fired."""
    calendar = history.calendar
    rate_until = None if np.isnat(fates.rate_until[case]) else _aware(fates.rate_until[case])
    sent_at = at if np.isnat(fates.dispatched[case]) else _aware(fates.dispatched[case])
    chains = dict(
        timers.wanted(
            state=str(fates.state[case]), stepped="dispatch", clock_changed=True, entries=entries, calendar=calendar, due_at=due_at,
            rate_until=rate_until, at=sent_at,
        )
    )  # fmt: skip
    timer = chains.get("deadline")
    while timer is not None and timer[1] <= at and due_at is not None:
        timer = timers.timer_after(timer[0], entries, calendar, due_at)
    chains["deadline"] = timer
    fates.timers.extend((case, chain, *one) for chain, one in chains.items() if one is not None)


def ledger_of(history: History, case: int, steps: Sequence[tuple[str, datetime]]) -> list[Tick]:
    """Write a case's ledger as the life-cycle's table says, with the deadline after each entry."""
    limit, opened = limit_of(history.matters[case]), _aware(history.opened[case])
    checked = bool(history.begun.checked_first[case])
    entries = [Entry(opened, "start", "check", *rules.CHECK_LIMIT) if checked else Entry(opened, "start", "handle", *limit)]
    running: str | None = entries[0].phase
    for verb, at in steps:
        for word in BY_VERB[verb].clock:
            kind, _, phase = word.partition(" ")
            if kind == "start":
                entries.append(Entry(at, "start", phase, *(rules.VERIFY_LIMIT if phase == "verify" else limit)))
                running = phase
            elif kind == "resume" and (phase or running):
                running = phase or running
                entries.append(Entry(at, "resume", running or ""))
            elif kind in ("stop", "pause", "extend") and running is not None and phase in ("", running):
                entries.append(Entry(at, kind, running, *(limit if kind == "extend" else (None, None))))
                running = None if kind == "stop" else running
    return [_tick(history, entries, i) for i in range(len(entries))]


def _tick(history: History, entries: list[Entry], i: int) -> Tick:
    """Give an entry its deadline; that of a first check is a day, whatever the calendar says."""
    entry = entries[i]
    if entry.kind in ("stop", "pause"):
        return Tick(entry, None, False)
    if i + 1 < len(entries) and entry.phase == "check":
        return Tick(entry, entry.at + timedelta(hours=rules.CHECK_LIMIT[0]), False)
    reading = ledger.read(entries[: i + 1], history.calendar)
    return Tick(entry, reading.due_at, reading.provisional)


def _last(case: Ints, at: Instants, count: int) -> Instants:
    found = np.full(count, _NAT)
    found[case] = at
    return found


def _first(case: Ints, at: Instants, count: int) -> Instants:
    return _last(case[::-1], at[::-1], count)


def _newest(*columns: Instants) -> Instants:
    found = columns[0]
    for column in columns[1:]:
        found = np.fmax(found, column)
    return found


def _unless(column: Instants, *later: Instants) -> Instants:
    """Take back what a later step has undone."""
    undone = np.zeros(len(column), np.bool_)
    for one in later:
        undone |= one > column
    return np.where(undone, _NAT, column)


def _aware(value: np.datetime64) -> datetime:
    moment: datetime = value.astype("datetime64[s]").item()
    return moment.replace(tzinfo=UTC)


def _plain(value: datetime) -> np.datetime64:
    return np.datetime64(value.astimezone(UTC).replace(tzinfo=None, microsecond=0), "s")
