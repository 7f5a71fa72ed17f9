"""What the city sets of its working calendar: days off and days worked, office hours; and the versions it has had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.base import Conn
from domain.cases import calendar
from domain.cases.calendar import Calendar
from domain.cases.office_time import FIRST_DAY, LAST_DAY
from domain.errors import Invalid

MAX_NAME: Final = 100

# One statement, so that days and hours are of the same moment.
_LOAD = """
select revision, zone, hours, known_until,
       array(select day from calendar_days where not works), array(select day from calendar_days where works)
from calendar_state
"""
_SET_DAY = """
insert into calendar_days (day, works, name, set_at) values (%(day)s, %(works)s, %(name)s, %(at)s)
on conflict (day) do update set works = excluded.works, name = excluded.name, set_at = excluded.set_at
"""
_KEEP = """
insert into work_calendars (version, kept_at, zone, hours, known_until, off_days, work_days)
values (%s, %s, %s, %s, %s, %s, %s) on conflict (version) do nothing
"""
_KEPT = "select version, zone, hours, known_until, off_days, work_days from work_calendars where version = %s"


async def load(conn: Conn) -> Calendar:
    """Read the calendar in force."""
    row = await (await conn.execute(_LOAD)).fetchone()
    if row is None:
        return calendar.shipped()
    revision, zone, hours, known, off, worked = row
    return calendar.make(
        zone=ZoneInfo(zone), hours=calendar.parse_hours(hours.split()), overrides=_days(off, worked), known=known, revision=revision
    )


async def set_day(conn: Conn, day: date, *, works: bool, name: str, at: datetime) -> Calendar:
    """Make a day a working day or a day off, whatever the published holidays say; give the calendar that follows."""
    _check_day(day)
    name = name.strip()
    if not name or len(name) > MAX_NAME or "\x00" in name:
        raise Invalid(f"say why in 1 to {MAX_NAME} characters", f"请用 1 至 {MAX_NAME} 个字说明原因", field="name")
    await conn.execute(_SET_DAY, {"day": day, "works": works, "name": name, "at": at})
    return await _changed(conn, at)


async def unset_day(conn: Conn, day: date, *, at: datetime) -> Calendar:
    """Let a day be again what the published holidays say; raises Invalid when nothing was set."""
    if not (await conn.execute("delete from calendar_days where day = %s", (day,))).rowcount:
        raise Invalid(f"nothing is set for {day}", f"{day} 未作设置", field="day")
    return await _changed(conn, at)


async def set_hours(conn: Conn, spans: Sequence[str], *, zone: str, at: datetime) -> Calendar:
    """Set the office hours of a working day, such as 08:00-12:00 14:00-18:00, in an IANA time zone."""
    hours = calendar.told_hours(calendar.parse_hours(spans))
    try:
        key = ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"there is no time zone {zone[:40]!r}; use a name such as Asia/Shanghai", "没有该时区", field="zone") from None
    await conn.execute("update calendar_state set hours = %s, zone = %s", (hours, key))
    return await _changed(conn, at)


async def set_known_until(conn: Conn, day: date | None, *, at: datetime) -> Calendar:
    """Say until when the city has set every holiday itself, so that deadlines up to it are no longer provisional."""
    if day is not None:
        _check_day(day)
    await conn.execute("update calendar_state set known_until = %s", (day,))
    return await _changed(conn, at)


async def own_days(conn: Conn) -> Mapping[date, tuple[bool, str]]:
    """Read the days the city set: whether it works, and why."""
    rows = await (await conn.execute("select day, works, name from calendar_days order by day")).fetchall()
    return {day: (works, name) for day, works, name in rows}


async def keep(conn: Conn, known: Calendar, *, at: datetime) -> None:
    """Keep the days of a version, unless they are kept already; a process that computes deadlines does it when it starts."""
    off, worked = ([day for day, works in known.days.items() if works is wanted] for wanted in (False, True))
    told = calendar.told_hours(known.hours)
    await conn.execute(_KEEP, (known.version, at, known.zone.key, told, known.known_until, off, worked))


async def kept(conn: Conn, version: str) -> Calendar | None:
    """Give the calendar a row of a ledger was computed with, as it was."""
    row: Any = await (await conn.execute(_KEPT, (version,))).fetchone()
    if row is None:
        return None
    version, zone, hours, known_until, off, worked = row
    return Calendar(version, ZoneInfo(zone), calendar.parse_hours(hours.split()), known_until, _days(off, worked))


async def _changed(conn: Conn, at: datetime) -> Calendar:
    now = await load(conn)
    await keep(conn, now, at=at)
    return now


def _check_day(day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise Invalid(f"the calendar covers {FIRST_DAY} to {LAST_DAY}", f"工作日历仅覆盖 {FIRST_DAY} 至 {LAST_DAY}", field="day")


def _days(off: Sequence[date], worked: Sequence[date]) -> dict[date, bool]:
    return dict.fromkeys(off, False) | dict.fromkeys(worked, True)
