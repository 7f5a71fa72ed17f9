"""Show and set the working calendar deadlines are computed by: days off, days worked, office hours."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import psycopg
import typer

from api.city import Home, opened, say
from domain.base import Conn
from domain.cases import calendar, city_calendar
from domain.cases.calendar import Calendar
from domain.cases.ledger import Entry, read
from domain.errors import Invalid
from domain.flows import calendar_change

app = typer.Typer(help=__doc__, no_args_is_help=True)

T = TypeVar("T")
Day = Annotated[str, typer.Argument(metavar="YYYY-MM-DD", help="The day.")]
BATCH = 200


class Kind(StrEnum):
    """What a day is to be."""

    OFF = "off"
    WORK = "work"
    AS_PUBLISHED = "as-published"


@app.command()
def show(
    year: Annotated[int | None, typer.Option(min=2010, max=2049, help="List the days of this year.", show_default="this year")] = None,
    home: Home = None,
) -> None:
    """Show office hours, until when holidays are known, and the days of a year that are not as their weekday says."""

    async def told(conn: Conn) -> None:
        known, own = await city_calendar.load(conn), await city_calendar.own_days(conn)
        wanted = year or datetime.now(known.zone).year
        typer.echo(f"{known.version}")
        typer.echo(f"{calendar.told_hours(known.hours)}  {known.zone.key}")
        typer.echo(f"holidays known until {known.known_until}; deadlines beyond it are provisional")
        for day, works in sorted({**known.days, **{day: works for day, (works, _) in own.items()}}.items()):
            if day.year == wanted:
                why = f"  {own[day][1]} (set by this city)" if day in own else ""
                typer.echo(f"{day} {day:%a}  {'work' if works else 'off '}{why}")

    _with(home, told)


@app.command()
def set_day(
    day: Day,
    kind: Annotated[Kind, typer.Argument(help="A day off, a working day, or again what is published.")],
    name: Annotated[str, typer.Option(help="Why: the holiday, or the notice.", show_default=False)] = "",
    home: Home = None,
) -> None:
    """Set one day, whatever the published holidays say, and move the running deadlines it touches."""
    which = _day(day)

    async def change(conn: Conn) -> Calendar:
        if kind is Kind.AS_PUBLISHED:
            return await city_calendar.unset_day(conn, which, at=datetime.now(UTC))
        return await city_calendar.set_day(conn, which, works=kind is Kind.WORK, name=name, at=datetime.now(UTC))

    _changed(home, change)


@app.command()
def set_hours(
    spans: Annotated[list[str], typer.Argument(metavar="HH:MM-HH:MM...", help="Office hours, in order; 24:00 ends the day.")],
    zone: Annotated[str, typer.Option(help="IANA name of the time zone.")] = calendar.SHIPPED_ZONE.key,
    home: Home = None,
) -> None:
    """Set the office hours of a working day, such as 08:00-12:00 14:00-18:00, and move the running deadlines."""

    async def change(conn: Conn) -> Calendar:
        return await city_calendar.set_hours(conn, spans, zone=zone, at=datetime.now(UTC))

    _changed(home, change)


@app.command()
def known_until(
    day: Annotated[str, typer.Argument(metavar="YYYY-MM-DD|library", help="The last day, or `library` for what the library knows.")],
    home: Home = None,
) -> None:
    """Say that every holiday up to a day has been set by hand, so that deadlines up to it are no longer provisional."""
    which = None if day == "library" else _day(day)

    async def change(conn: Conn) -> Calendar:
        return await city_calendar.set_known_until(conn, which, at=datetime.now(UTC))

    _changed(home, change)


@app.command()
def recompute(home: Home = None) -> None:
    """Compute running deadlines again by the calendar in force; what has passed or stopped is never moved."""
    with opened(home) as settings:
        _recompute(settings.database_url)


@app.command()
def due(
    start: Annotated[str, typer.Argument(metavar="YYYY-MM-DDTHH:MM[:SS]", help="When the clock starts, by the city's time.")],
    amount: Annotated[int, typer.Argument(min=1, max=1000)],
    unit: Annotated[str, typer.Argument(help="urgent_hour, urgent_day, work_hour or work_day.")],
    home: Home = None,
) -> None:
    """Compute one deadline, to try the calendar."""

    async def told(conn: Conn) -> None:
        known = await city_calendar.load(conn)
        try:
            at = datetime.fromisoformat(start)
        except ValueError:
            raise Invalid(f"write the instant as 2026-12-31T16:30, not {start[:40]!r}", "时间应写作 2026-12-31T16:30") from None
        reading = read([Entry(at if at.tzinfo else at.replace(tzinfo=known.zone), "start", "handle", amount, unit)], known)
        shown = reading.due_at.astimezone(known.zone) if reading.due_at else None
        typer.echo(f"{shown:%Y-%m-%d %H:%M:%S %a}{'  provisional' if reading.provisional else ''}")

    _with(home, told)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"write the day as 2026-12-31, not {text[:40]!r}", "日期应写作 2026-12-31", field="day") from None


def _with(home: Home, work: Callable[[Conn], Awaitable[T]]) -> T:
    with opened(home) as settings:
        return _run(settings.database_url, work)


def _run(url: str, work: Callable[[Conn], Awaitable[T]]) -> T:
    async def run() -> T:
        async with await psycopg.AsyncConnection.connect(url) as conn:
            return await work(conn)

    return asyncio.run(run())


def _changed(home: Home, change: Callable[[Conn], Awaitable[Calendar]]) -> None:
    with opened(home) as settings:
        known = _run(settings.database_url, change)
        say(f"The calendar is now {known.version}.")
        _recompute(settings.database_url)


def _recompute(url: str) -> None:
    """Move deadlines in short transactions, telling how far it is; broken off, it goes on where it was when called again."""
    seen = moved = 0
    began = told = datetime.now(UTC)

    async def some(conn: Conn) -> calendar_change.Recomputed:
        return await calendar_change.recompute(conn, await city_calendar.load(conn), at=datetime.now(UTC), limit=BATCH)

    while (done := _run(url, some)).seen:
        seen, moved = seen + done.seen, moved + done.moved
        if (now := datetime.now(UTC)) - told > timedelta(seconds=2):
            told = now
            say(f"{seen} running deadlines looked at, {moved} moved, {(now - began).seconds} s")
    say(f"{seen} running deadlines looked at, {moved} moved.")
