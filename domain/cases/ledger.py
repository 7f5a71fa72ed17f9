"""The clock of a case: a deadline is a pure function of the ledger's entries and a working calendar.

Each phase (first check, handling, verification) has an account of its own, opened by its latest ``start``: the allowances
given by start and extensions are used one after the other while the clock runs. Urgent hours and urgent days (24 hours) run
through nights and holidays; work hours run inside office hours; a work day is used up by the office closing on a later day
than that of the start. Instants are exact to the microsecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.cases.calendar import Calendar
from domain.cases.office_time import OfficeTime, instant_of, micros
from domain.errors import Invalid

UNITS: Final = ("urgent_hour", "urgent_day", "work_hour", "work_day")
# More than any filing condition in the catalogue; keeps a typing error from reserving years.
MAX_AMOUNT: Final = 1000
_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the ledger: what happened to a phase's clock, and when; start and extend give an allowance."""

    at: datetime
    kind: str
    phase: str
    amount: int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock shows after the last entry, whose phase it is that counts.

    ``due_at`` is empty while the clock does not run; ``provisional`` when it lies beyond the published holidays.
    """

    phase: str | None
    running: bool
    due_at: datetime | None
    provisional: bool
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Spell:
    """A time the clock ran: after ``begin``, up to ``end``; no end while it still runs."""

    begin: int
    end: int | None


@dataclass(frozen=True, slots=True)
class _Account:
    phase: str
    running: bool
    stopped_at: datetime | None
    spells: Sequence[_Spell]
    allowances: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class _Use:
    """How one allowance is used: from one instant to another; ``run`` is what passed of the time it is measured in."""

    begin: int
    end: int
    urgent: bool
    run: int


def read(entries: Sequence[Entry], calendar: Calendar) -> Reading:
    """Read the clock: the deadline of the phase of the last entry.

    Raises Invalid for entries that make no account: a pause of what does not run, a resume of what does, an extension of
    what was never started or has stopped, entries that go back in time (only a start may), an unknown unit or amount.
    """
    account = _account(entries)
    if account is None:
        return Reading(None, False, None, False, None)
    if not account.running:
        return Reading(account.phase, False, None, False, account.stopped_at)
    uses = _uses(account, calendar.office)
    due = instant_of(uses[-1].end)
    return Reading(account.phase, True, due, _asks_beyond(uses, calendar), None)


def share_at(entries: Sequence[Entry], calendar: Calendar, share: float) -> datetime | None:
    """Give the instant at which a share (above 0, at most 1) of the running phase's allowance is used; None if it does not run.

    Work days are measured by the office time between their beginning and their last closing.
    """
    if not 0 < share <= 1:
        raise Invalid(f"a share of {share} is outside 0..1", f"比例 {share} 超出 0 至 1", field="share")
    account = _account(entries)
    if account is None or not account.running:
        return None
    uses = _uses(account, calendar.office)
    left = round(sum(use.run for use in uses) * share) or 1
    for use in uses:
        if left <= use.run:
            return instant_of(_run(account.spells, use.begin, left, use.urgent, calendar.office))
        left -= use.run
    return instant_of(uses[-1].end)


def basis(amount: int, unit: str, calendar: Calendar) -> str:
    """Give the words kept beside a deadline: limit, unit and the calendar's version."""
    return f"{amount} {unit}, {calendar.version}"


def check_allowance(amount: int | None, unit: str | None) -> tuple[int, str]:
    """Give the allowance as it may stand in a ledger; raises Invalid for another unit or an amount outside 1..1000."""
    if amount is None or not 1 <= amount <= MAX_AMOUNT:
        raise Invalid(f"a limit of {amount} is outside 1..{MAX_AMOUNT}", f"时限 {amount} 超出 1 至 {MAX_AMOUNT}", field="amount")
    if unit not in UNITS:
        raise Invalid(f"unknown unit of time {str(unit)[:40]!r}; known: {', '.join(UNITS)}", "未知的时限单位", field="unit")
    return amount, unit


def _account(entries: Sequence[Entry]) -> _Account | None:
    """Keep the account of the last entry's phase since its latest start."""
    if not entries:
        return None
    phase = entries[-1].phase
    spells: list[_Spell] = []
    allowances: list[tuple[int, str]] = []
    since: int | None = None
    stopped_at: datetime | None = None
    before: datetime | None = None
    for entry in entries:
        if entry.phase != phase or entry.kind == "recompute":
            continue
        if entry.kind == "start":
            spells, allowances, stopped_at = [], [check_allowance(entry.amount, entry.unit)], None
            since = micros(entry.at)
        elif before is None:
            raise _no_account(entry, "never started", "尚未开始")
        elif entry.at < before:
            raise _no_account(entry, "earlier than the one before it", "早于上一条")
        elif entry.kind in ("pause", "stop"):
            if since is not None:
                spells.append(_Spell(since, micros(entry.at)))
            elif entry.kind == "pause" or stopped_at is not None:
                raise _no_account(entry, "not running", "未在计时")
            since, stopped_at = None, entry.at if entry.kind == "stop" else None
        elif entry.kind == "resume":
            if since is not None:
                raise _no_account(entry, "running already", "已在计时")
            since, stopped_at = micros(entry.at), None
        elif entry.kind == "extend":
            if stopped_at is not None:
                raise _no_account(entry, "stopped", "已停止")
            allowances.append(check_allowance(entry.amount, entry.unit))
        else:
            raise _no_account(entry, "of an unknown kind", "类型未知")
        before = entry.at
    if before is None:
        return None
    if since is not None:
        spells.append(_Spell(since, None))
    return _Account(phase, since is not None, stopped_at, spells, allowances)


def _no_account(entry: Entry, why: str, why_zh: str) -> Invalid:
    kind = entry.kind[:40]
    return Invalid(f"the entry {kind!r} of the clock {entry.phase[:40]!r} is refused: {why}", f"计时记录「{kind}」无效：{why_zh}")


def _uses(account: _Account, office: OfficeTime) -> list[_Use]:
    """Follow the allowances of a running clock one after the other; the last one ends at the deadline."""
    spells, found = account.spells, []
    begin = spells[0].begin
    for amount, unit in account.allowances:
        if unit == "work_day":
            # Closings on the day of the phase's own start do not count, whichever allowance is being used.
            end = _close(spells, max(begin, office.end_of_day(spells[0].begin)), amount, office)
            run = sum(_passed(spell, begin, end, office) for spell in spells)
        else:
            run = amount * (_DAY if unit == "urgent_day" else _HOUR)
            end = _run(spells, begin, run, unit != "work_hour", office)
        found.append(_Use(begin, end, unit.startswith("urgent"), run))
        begin = end
    return found


def _run(spells: Sequence[_Spell], begin: int, wanted: int, urgent: bool, office: OfficeTime) -> int:
    """Give the instant at which ``wanted`` more time has run since ``begin``: all time if urgent, else office time."""
    for spell in spells:
        start = max(spell.begin, begin)
        if spell.end is None:
            return start + wanted if urgent else office.after(start, wanted)
        if spell.end <= start:
            continue
        passed = spell.end - start if urgent else office.until(spell.end) - office.until(start)
        if wanted <= passed:
            return start + wanted if urgent else office.after(start, wanted)
        wanted -= passed
    raise AssertionError("a running clock has a spell without end")


def _close(spells: Sequence[_Spell], begin: int, wanted: int, office: OfficeTime) -> int:
    """Give the instant of closing number ``wanted`` among those after ``begin`` that the clock ran through."""
    for spell in spells:
        start = max(spell.begin, begin)
        if spell.end is None:
            return office.closing_after(start, wanted)
        if spell.end <= start:
            continue
        passed = office.closings_between(start, spell.end)
        if wanted <= passed:
            return office.closing_after(start, wanted)
        wanted -= passed
    raise AssertionError("a running clock has a spell without end")


def _passed(spell: _Spell, begin: int, end: int, office: OfficeTime) -> int:
    """Give the office time of a spell that lies between two instants."""
    start, stop = max(spell.begin, begin), end if spell.end is None else min(spell.end, end)
    return office.until(stop) - office.until(start) if start < stop else 0


def _asks_beyond(uses: Sequence[_Use], calendar: Calendar) -> bool:
    """Tell whether office time beyond the published holidays was counted; all-day clocks do not ask for them."""
    return any(not use.urgent and use.end > calendar.known_until_micros for use in uses)
