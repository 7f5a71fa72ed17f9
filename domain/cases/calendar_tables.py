"""The working calendar of the city: what it set itself, and every version of it that deadlines were computed with."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, Integer, Table, Text

from domain.base import instant, metadata, text_column

calendar_state = Table(
    "calendar_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("revision", BigInteger, nullable=False, comment="raised by a trigger on every change: processes then read again"),
    text_column("zone", comment="IANA name"),
    text_column("hours", comment="office hours of a working day: 08:00-12:00 14:00-18:00"),
    Column("known_until", Date, nullable=True, comment="the city has set all holidays until then itself; empty: what the library knows"),
    comment="Office hours of the city and the revision of its working calendar: a single row.",
)

calendar_days = Table(
    "calendar_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("works", Boolean, nullable=False, comment="true: a working day, false: a day off; goes before the published holidays"),
    text_column("name", comment="why: the holiday or the notice"),
    instant("set_at"),
    comment="Days the city set itself.",
)

work_calendars = Table(
    "work_calendars",
    metadata,
    Column("version", Text, primary_key=True, comment="as it stands in the ledgers: library, release and a hash of all below"),
    instant("kept_at"),
    text_column("zone"),
    text_column("hours"),
    Column("known_until", Date, nullable=False, comment="last day whose public holidays were published"),
    Column("off_days", ARRAY(Date), nullable=False, comment="Mondays to Fridays on which the office is closed"),
    Column("work_days", ARRAY(Date), nullable=False, comment="Saturdays and Sundays on which it is open"),
    comment="Every version of the calendar, whole, so that a deadline can be computed again years later; append-only.",
)
