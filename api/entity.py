"""Entities: GraphQL types whose fields say where they stand in the database.

One declaration serves the schema and the reader: ``api/read.py`` turns a selection of these fields into one SQL statement.
In every SQL text ``{0}`` is the alias of the entity's own rows and, in joins and lists, ``{1}`` that of the entity it
is reached from. A field of an entity without such a declaration is refused when the schema is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import strawberry

T = TypeVar("T")
META = "gridwarden.read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Where the rows of a type come from.

    ``source`` is a table or a parenthesised query. ``permission`` names what a caller must hold to see a row; the row
    seen is that of ``guarded`` ({0}: the alias of source), a case by its areas and department, joined by ``guard_join``.
    """

    source: str
    permission: str | None = None
    guarded: str = "{0}"
    guard_join: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A value computed by the database."""

    sql: str


@dataclass(frozen=True, slots=True)
class One:
    """At most one row of another entity, by a join condition."""

    on: str


@dataclass(frozen=True, slots=True)
class Many:
    """A list of rows of another entity; ``source`` may replace the entity's own, to bring an order with it."""

    on: str
    order: str
    limit: int
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """A value made in Python from one the database gives: a leaf, or plain objects as dictionaries by GraphQL name."""

    sql: str
    make: Callable[[Any], Any]


Spec = Column | One | Many | Derived


def entity(
    source: str, description: str, *, permission: str | None = None, guarded: str = "{0}", guard_join: str = ""
) -> Callable[[type[T]], type[T]]:
    """Declare a GraphQL type whose rows are read by the planner."""

    def declare(cls: type[T]) -> type[T]:
        made = strawberry.type(cls, description=description)
        setattr(made, META, Entity(source=source, permission=permission, guarded=guarded, guard_join=guard_join))
        return made

    return declare


def column(sql: str, description: str) -> Any:
    """Declare a field computed by the database."""
    return _field(Column(sql), description)


def one(on: str, description: str) -> Any:
    """Declare a field that is at most one row of another entity."""
    return _field(One(on), description)


def many(on: str, description: str, *, order: str, limit: int = 500, source: str | None = None) -> Any:
    """Declare a field that lists rows of another entity, at most ``limit``."""
    return _field(Many(on, order, limit, source), description)


def derived(sql: str, make: Callable[[Any], Any], description: str) -> Any:
    """Declare a field made in Python from a value of the database; None stays None."""
    return _field(Derived(sql, make), description)


def told(description: str, **more: Any) -> Any:
    """Declare an ordinary field of a plain type or input with its description."""
    return strawberry.field(description=description, **more)


def _field(spec: Spec, description: str) -> Any:
    return strawberry.field(description=description, metadata={META: spec})
