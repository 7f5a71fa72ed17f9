"""Two other ways to find a deadline, which share no code with the product nor with each other.

`Minutes` walks: it goes through the minutes one by one and uses the allowances up as a person with a stopwatch would.
`Sums` asks for the first instant by which enough has been used, by halving, over running sums of the minutes.
Both know the holidays from the State Council's notices as written down here, not from the library the product keeps.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from domain.cases.ledger import Entry

SHANGHAI = timedelta(hours=8)
FIRST, END = date(2023, 12, 31), date(2029, 1, 1)
# 国办发明电〔2023〕7号, 国办发明电〔2024〕12号, 国办发明电〔2025〕7号: days off, and days worked to make up for them.
NOTICES: tuple[tuple[int, str, str], ...] = (
    (2024, "1.1 2.10-2.17 4.4-4.6 5.1-5.5 6.10 9.15-9.17 10.1-10.7", "2.4 2.18 4.7 4.28 5.11 9.14 9.29 10.12"),
    (2025, "1.1 1.28-2.4 4.4-4.6 5.1-5.5 5.31-6.2 10.1-10.8", "1.26 2.8 4.27 9.28 10.11"),
    (2026, "1.1-1.3 2.15-2.23 4.4-4.6 5.1-5.5 6.19-6.21 9.25-9.27 10.1-10.7", "1.4 2.14 2.28 5.9 9.20 10.10"),
)


def _days(year: int, told: str) -> Iterator[date]:
    for part in told.split():
        first, _, last = part.partition("-")
        day, until = (date(year, *map(int, end.split("."))) for end in (first, last or first))
        while day <= until:
            yield day
            day += timedelta(days=1)


OFF = {day for year, off, _ in NOTICES for day in _days(year, off)}
WORKED = {day for year, _, worked in NOTICES for day in _days(year, worked)}


def works(day: date) -> bool:
    return day in WORKED or (day.weekday() < 5 and day not in OFF)


def shanghai_office(day: date, minute: int) -> bool:
    return works(day) and (480 <= minute < 720 or 840 <= minute < 1080)


class Table:
    """Every minute of some years: is the office open in it, does it close for the day at its end, on which local day is it."""

    def __init__(self, begin: datetime, opened: bytearray, closes: bytearray, days: list[int]) -> None:
        self.begin, self.open, self.closes, self.day = begin, opened, closes, days


def shanghai() -> Table:
    """Five years of Shanghai, where no clock is ever put forward, with the holidays of the notices."""
    opened, closes, days = bytearray(), bytearray(), []
    day = FIRST
    while day < END:
        for minute in range(1440):
            opened.append(shanghai_office(day, minute))
            closes.append(works(day) and minute == 1079)
            days.append(day.toordinal())
        day += timedelta(days=1)
    return Table(datetime.combine(FIRST, time(), UTC) - SHANGHAI, opened, closes, days)


def anywhere(zone: ZoneInfo, hours: Sequence[tuple[int, int]], begin: date, end: date) -> Table:
    """Some months of any zone, Monday to Friday; hours in minutes of the wall clock, up to 1440.

    An office opens in the first minute of its day that shows the hour or a later one, and closes likewise.
    """
    opened, closes, days = bytearray(), bytearray(), []
    at = start = datetime.combine(begin, time(), UTC)
    today, reached, was_open = date.min, 0, False
    while at.date() < end:
        local = at.astimezone(zone)
        if local.date() != today:
            if was_open and closes and any(until == 1440 for _, until in hours):
                closes[-1] = 1
            today, reached = local.date(), 0
        reached = max(reached, local.hour * 60 + local.minute)
        working = today.weekday() < 5
        is_open = working and any(opens <= reached < until for opens, until in hours)
        if was_open and not is_open and working and reached >= hours[-1][1] and closes:
            closes[-1] = 1
        opened.append(is_open)
        closes.append(0)
        days.append(today.toordinal())
        was_open = is_open
        at += timedelta(minutes=1)
    return Table(start, opened, closes, days)


def account(entries: Sequence[Entry]) -> tuple[list[tuple[datetime, datetime | None]], list[tuple[int, str]]]:
    """When the clock of the last entry's phase ran since its last start, and what it was allowed."""
    own = [entry for entry in entries if entry.phase == entries[-1].phase]
    own = own[max(i for i, entry in enumerate(own) if entry.kind == "start") :]
    marks = [entry for entry in own if entry.kind != "extend"]
    ran: list[tuple[datetime, datetime | None]] = []
    for entry, following in zip(marks, [*marks[1:], None], strict=True):
        if entry.kind in ("start", "resume"):
            ran.append((entry.at, following.at if following else None))
    return ran, [(entry.amount or 0, entry.unit or "") for entry in own if entry.kind in ("start", "extend")]


class Minutes:
    """The walker; instants are whole seconds."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def due(self, entries: Sequence[Entry]) -> datetime | None:
        ran, allowed = account(entries)
        if ran[-1][1] is not None:
            return None
        table, left = self.table, [(unit, self._whole(amount, unit)) for amount, unit in allowed]
        seconds = [(self._second(a), None if b is None else self._second(b)) for a, b in ran]
        first_day = table.day[seconds[0][0] // 60]
        for begin, end in seconds:
            now = begin
            while end is None or now < end:
                minute = now // 60
                until = (minute + 1) * 60 if end is None else min((minute + 1) * 60, end)
                while left and now < until:
                    unit, rest = left[0]
                    if unit == "work_day":
                        closes = until % 60 == 0 and table.closes[minute] and table.day[minute] != first_day
                        used, now = int(closes), until
                    elif unit == "work_hour" and not table.open[minute]:
                        used, now = 0, until
                    else:
                        used = min(rest, until - now)
                        now += used
                    left[0] = unit, rest - used
                    if rest == used:
                        left.pop(0)
                if not left:
                    return table.begin + timedelta(seconds=now)
        raise AssertionError("the years were too short")

    def _second(self, at: datetime) -> int:
        return round((at - self.table.begin).total_seconds())

    @staticmethod
    def _whole(amount: int, unit: str) -> int:
        return {"urgent_hour": 3600, "urgent_day": 86400, "work_hour": 3600, "work_day": 1}[unit] * amount


class Sums:
    """The halver; instants to the microsecond."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.office = [0, *accumulate(60_000_000 * minute for minute in table.open)]
        self.closings = [0, *accumulate(table.closes)]
        self.end = len(table.open) * 60_000_000

    def due(self, entries: Sequence[Entry]) -> datetime | None:
        ran, allowed = account(entries)
        if ran[-1][1] is not None:
            return None
        spans = [(self._micros(a), self.end if b is None else self._micros(b)) for a, b in ran]
        since = spans[0][0]
        for amount, unit in allowed:
            since = self._when(spans, since, amount, unit)
        return self.table.begin + timedelta(microseconds=since)

    def measure(self, unit: str, start: int) -> Callable[[int], int]:
        """What has been used by an instant, from the table's beginning on."""
        if unit.startswith("urgent"):
            return lambda t: t
        if unit == "work_hour":
            return lambda t: self.office[t // 60_000_000] + (t % 60_000_000) * self.table.open[min(t, self.end - 1) // 60_000_000]
        day_over = start // 60_000_000
        while self.table.day[day_over] == self.table.day[start // 60_000_000]:
            day_over += 1
        return lambda t: self.closings[max(t // 60_000_000, day_over)]

    def _when(self, spans: Sequence[tuple[int, int]], since: int, amount: int, unit: str) -> int:
        used = self.measure(unit, spans[0][0])
        wanted = {"urgent_hour": 3600, "urgent_day": 86400, "work_hour": 3600, "work_day": 1e-6}[unit] * amount * 1_000_000

        def enough(t: int) -> bool:
            total = 0
            for a, b in spans:
                begin, stop = max(a, since), min(b, t)
                if stop > begin:
                    total += used(stop) - used(begin)
            return total >= wanted - 0.5

        return bisect_left(range(self.end), True, lo=since, key=enough)

    def _micros(self, at: datetime) -> int:
        return (at - self.table.begin) // timedelta(microseconds=1)


# Amounts by unit: what a clock in the catalogue may have, and the long ones.
USUAL = {"urgent_hour": 48, "urgent_day": 4, "work_hour": 24, "work_day": 5}
LONG = {"urgent_hour": 200, "urgent_day": 30, "work_hour": 120, "work_day": 30}


def ledgers(seed: int, *, longest: dict[str, int], exact: bool) -> Iterator[list[Entry]]:
    """Random ledgers that make an account, over the three years; ``exact``: to the microsecond, else whole seconds."""
    random = Random(seed)
    begin = datetime(2024, 1, 1, tzinfo=UTC) - SHANGHAI
    while True:
        at = begin + timedelta(days=random.randrange(1096), seconds=_second_of_day(random))
        yield _ledger(random, at, longest, exact)


def _second_of_day(random: Random) -> int:
    """Often exactly at an opening or a closing, or a second beside it."""
    if random.random() < 0.3:
        return random.choice((0, 8, 12, 14, 18, 24)) * 3600 + random.choice((-1, 0, 1)) + (86400 if random.random() < 0.1 else 0)
    return random.randrange(86400)


def _ledger(random: Random, at: datetime, longest: dict[str, int], exact: bool) -> list[Entry]:
    def allowance() -> tuple[int, str]:
        unit = random.choice(tuple(longest))
        return random.randint(1, longest[unit]), unit

    def later() -> datetime:
        gap = timedelta(seconds=int(random.expovariate(1 / random.choice((600, 20_000, 200_000)))))
        if random.random() < 0.15:
            gap = timedelta(hours=random.choice((0, 1, 4, 10, 24)))
        return at + gap + (timedelta(microseconds=random.randrange(1_000_000)) if exact else timedelta())

    entries = [Entry(at, "start", "handle", *allowance())]
    running = True
    for _ in range(random.choice((0, 0, 1, 1, 2, 3, 4, 6))):
        at = later()
        kind = random.choice(("extend", "break", "break", "verify", "again") if running else ("break", "break", "extend"))
        if kind == "extend":
            entries.append(Entry(at, "extend", "handle", *allowance()))
        elif kind == "break":
            entries.append(Entry(at, "pause" if running else "resume", "handle"))
            running = not running
        elif kind == "verify":
            entries += [Entry(at, "stop", "handle"), Entry(at, "start", "verify", *allowance())]
            at = later()
            entries += [Entry(at, "stop", "verify"), Entry(at, "resume", "handle")]
        else:
            entries.append(Entry(entries[0].at, "start", "handle", *allowance()))
    return entries
