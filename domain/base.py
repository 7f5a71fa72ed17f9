"""What every table shares: one metadata, names for constraints, time-ordered ids, and the two column shapes.

Tables are declared here and in ``domain/<context>/tables.py`` so that migrations can be checked against them; statements are
written as SQL and run by psycopg, so there is one way to reach the database.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, Text, Uuid
from sqlalchemy.types import TypeEngine

DATUMS = ("WGS84", "CGCS2000", "GCJ02", "BD09")

Conn: TypeAlias = psycopg.AsyncConnection[Any]

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def new_id() -> UUID:
    """Make a UUIDv7: Unix milliseconds, 12 bits of their fraction, 62 random bits (RFC 9562, 6.2 method 3).

    Ids made one after the other in a process sort in that order.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | 0x7 << 76 | (rest_ns << 12) // 1_000_000 << 64
    return UUID(int=value | 0b10 << 62 | int.from_bytes(os.urandom(8), "big") >> 2)


def id_column(name: str = "id") -> Column[UUID]:
    """Declare the primary key of an ordinary row."""
    return Column(name, Uuid, primary_key=True)


def instant(name: str, *, nullable: bool = False, comment: str | None = None) -> Column[Any]:
    """Declare an aware instant, stored as UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


def one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    """Declare that a text column holds one word of a closed list; NULL passes, as in SQL."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} = ANY (ARRAY[{listed}])", name=column)


def text_column(name: str, *, nullable: bool = False, comment: str | None = None, type_: TypeEngine[str] | None = None) -> Column[Any]:
    """Declare a text column."""
    return Column(name, type_ or Text(), nullable=nullable, comment=comment)
