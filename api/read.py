"""The one read path: a selection becomes one SQL statement, with the caller's scope, and ready JSON.

Resolvers hand over conditions and get a value that the executor passes on as it is (``api/execution.py``). Conditions are SQL
with ``{0}`` for the rows' alias and named parameters; protected entities are scoped here and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import orjson
from graphql import FieldNode, GraphQLResolveInfo, get_named_type
from psycopg.types.json import set_json_loads

from api.plan import EPOCH, Builder, Document, Maker, Plan, Planner, Row, scopes_in, sees
from api.registry import registry_of
from domain.base import Conn
from domain.errors import Forbidden, Invalid
from domain.people.scope import NOTHING, Actor, Scope, scope_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.context import Context, Info

__all__ = [
    "MAX_FIRST", "Order", "Ready", "aggregate", "asks", "by_id", "by_ids", "fields_below", "first", "page", "picked", "plain", "plan_below",
    "rows", "sees",
]  # fmt: skip

MAX_FIRST: Final = 500
PLANS_KEPT: Final = 512
VARIANTS_KEPT: Final = 32
MAX_CURSOR: Final = 512

# What a page says of its rows, of whether more follow, and of whether some stand before.
PagePart: TypeAlias = Callable[[Sequence[Row], bool, bool], Any]

set_json_loads(orjson.loads)


class Ready:
    """A value that is finished: the executor passes it on without looking at its fields."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


@dataclass(frozen=True, slots=True)
class Order:
    """A total order of rows for paging: columns with their type (text, uuid or instant), the last one unique."""

    columns: tuple[tuple[str, str], ...]
    descending: bool = False

    def clause(self) -> str:
        """Write the order by clause."""
        way = " desc" if self.descending else ""
        return ", ".join(f"{sql}{way}" for sql, _ in self.columns)

    def after(self, cursor: str) -> tuple[str, dict[str, object]]:
        """Write the condition for rows after a cursor; raises Invalid for one that was not made here."""
        values = _cursor_values(cursor, [kind for _, kind in self.columns])
        names = [f"after_{i}" for i in range(len(values))]
        mine = ", ".join(sql for sql, _ in self.columns)
        theirs = ", ".join(f"%({name})s" for name in names)
        return f"({mine}) {'<' if self.descending else '>'} ({theirs})", dict(zip(names, values, strict=True))

    def cursor(self, row: Row) -> str:
        """Give the cursor of a row whose first columns are this order's."""
        values = [_plain_value(value) for value in row[: len(self.columns)]]
        return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class _Page:
    """A planned connection: the rows' plan, and what is to be said of each row and of the page."""

    plan: Plan
    make: Callable[[Sequence[Row], bool, bool], dict[str, Any]]


async def page(
    info: Info, order: Order, *, where: Sequence[str] = (), values: Mapping[str, object] | None = None, first: int, after: str | None
) -> Any:
    """Read a page of a connection, ``first`` rows after the cursor ``after``.

    Raises Invalid for ``first`` outside 1..500 and for a foreign cursor, and what ``scope_for`` raises.
    """
    if not 1 <= first <= MAX_FIRST:
        raise Invalid(f"first is 1 to {MAX_FIRST}, not {first}", f"每页数量应在 1 到 {MAX_FIRST} 之间", field="first")
    raw = _raw(info)
    planned: _Page = _planned(raw, raw.field_nodes, ("page", order), lambda planner: _plan_page(planner, raw, order))
    conditions, given = list(where), dict(values or {})
    if after is not None:
        condition, more = order.after(after)
        conditions.append(condition)
        given |= more
    found = await _fetch(info.context, planned.plan, conditions, given, order.clause(), first + 1)
    return Ready(planned.make(found[:first], len(found) > first, after is not None))


async def rows(
    info: Info, *, where: str | Sequence[str] = (), values: Mapping[str, object] | None = None, order: str, limit: int = MAX_FIRST
) -> Any:
    """Read a plain list of an entity, at most ``limit``; raises Invalid for a limit outside 1..500."""
    if not 1 <= limit <= MAX_FIRST:
        raise Invalid(f"first is 1 to {MAX_FIRST}, not {limit}", f"数量应在 1 到 {MAX_FIRST} 之间", field="first")
    plan = _entity_plan(_raw(info))
    conditions = (where,) if isinstance(where, str) else where
    return Ready([plan.make(row) for row in await _fetch(info.context, plan, conditions, values or {}, order, limit)])


async def first(info: Info, *, where: Sequence[str], values: Mapping[str, object], order: str = "{0}.id") -> Any:
    """Read one object, None when there is none that the caller may see."""
    plan = _entity_plan(_raw(info))
    found = await _fetch(info.context, plan, where, values, order, 1)
    return Ready(plan.make(found[0])) if found else None


async def by_id(info: Info, id: object, *, conn: Conn | None = None, authorised: bool = False) -> Any:  # noqa: A002
    """Read one object by its id, None when there is none that the caller may see.

    ``authorised`` is for a door that has just changed this very object for the caller: whoever gives a case away still
    gets to see what became of it.
    """
    plan = _entity_plan(_raw(info))
    found = await _fetch(info.context, plan, ["{0}.id = %(id)s"], {"id": id}, "{0}.id", 1, conn=conn, guarded=not authorised)
    return Ready(plan.make(found[0])) if found else None


async def aggregate(
    info: Info, entity: str, columns: Sequence[str], *, where: Sequence[str], values: Mapping[str, object], group: str
) -> list[Row]:
    """Count or sum an entity's rows that the caller may see, one row for each group."""
    raw = _raw(info)
    plan = Planner(registry_of(raw.schema), Document({}, {})).start(entity, columns).finish(tuple)
    return await _fetch(info.context, plan, where, values, group.format(plan.alias), MAX_FIRST, group=group)


def picked(info: Info, value: object) -> Any:
    """Pass on what is ready as plain dictionaries by GraphQL name, cut down to what is asked for."""
    raw = _raw(info)
    name = get_named_type(raw.return_type).name
    pick = _planned(raw, raw.field_nodes, ("picked", name), lambda planner: planner.picker(name, raw.field_nodes))
    return Ready(pick(value))


def asks(info: Info, names: frozenset[str]) -> bool:
    """Tell whether any of these fields of the returned type is asked for."""
    raw = _raw(info)
    asked = _planned(raw, raw.field_nodes, "names", lambda planner: _names(planner.document, raw.field_nodes))
    return not names.isdisjoint(asked)


def _names(document: Document, nodes: Sequence[FieldNode]) -> frozenset[str]:
    return frozenset(found[0].name.value for found in document.fields(nodes).values())


def fields_below(info: Info) -> dict[str, list[FieldNode]]:
    """Give what is asked for of the type this field returns: response keys and their nodes, in order."""
    raw = _raw(info)
    return _document(raw).fields(raw.field_nodes)


def plan_below(info: Info, field: str) -> list[tuple[str, Plan]]:
    """Plan an entity field of the type this field returns, for each response key that asks for it; rows carry the id first."""
    raw = _raw(info)
    kind: Any = get_named_type(raw.return_type)
    target = get_named_type(kind.fields[field].type).name
    wanted = [(key, nodes) for key, nodes in fields_below(info).items() if nodes[0].name.value == field]
    return [
        (key, _planned(raw, nodes, ("below", field), partial(Planner.plan, name=target, nodes=nodes, more=("{0}.id",))))
        for key, nodes in wanted
    ]


async def by_ids(context: Context, plan: Plan, ids: Sequence[UUID], actor: Actor | None, *, conn: Conn | None = None) -> dict[UUID, Any]:
    """Read objects of a plan made by ``plan_below``; ids that the actor may not see are missing."""
    conditions = ["{0}.id = any(%(ids)s)"]
    found = await _fetch(context, plan, conditions, {"ids": list(ids)}, "{0}.id", len(ids), conn=conn, actor=actor)
    return {row[0]: plan.make(row) for row in found}


def plain(text: str) -> str:
    """Take the meaning out of the signs of LIKE; write the condition with ``escape '!'``."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def scoped(guard: str, permission: str, scope: Scope) -> str:
    """Narrow a guard to what this scope needs: without the branch for seeing everything, indexes can serve it."""
    return "true" if scope.everything else guard.replace(f"%({permission.replace('.', '_')}__all)s or ", "")


def scope_values(actor: Actor | None, permissions: Iterable[str]) -> dict[str, object]:
    """Give the values of these permissions' scopes; a permission that is not held sees nothing."""
    values: dict[str, object] = {}
    for permission in permissions:
        try:
            given = scope_for(actor, permission).parameters()
        except Forbidden:
            given = dict(NOTHING)
        values |= {name.replace("scope_", f"{permission.replace('.', '_')}__"): value for name, value in given.items()}
    return values


async def _fetch(
    context: Context, plan: Plan, where: Iterable[str], values: Mapping[str, object], order: str, limit: int, *,
    conn: Conn | None = None, guarded: bool = True, actor: Actor | None = None, group: str = "",
) -> list[Row]:  # fmt: skip
    """Run a plan. This is where scope is added: to the outermost rows here, to lists inside them by the same words."""
    conditions = [condition.format(plan.alias) for condition in where]
    if any(isinstance(value, str) and "\0" in value for value in values.values()):
        raise Invalid("a text holds a NUL character", "文字中含有空字符")
    needed = scopes_in(plan.select + plan.guard)
    at = context.now()
    given: dict[str, object] = {"at": at, "as_of": at, "limit": limit, **values}
    if needed:
        actor = actor or await context.signed_in()
        given |= scope_values(actor, needed)
    if plan.permission and guarded:
        conditions.append(scoped(plan.guard, plan.permission, scope_for(actor, plan.permission)))
    grouped = f" group by {group.format(plan.alias)}" if group else ""
    text = f"{plan.select} where {' and '.join(conditions) or 'true'}{grouped} order by {order.format(plan.alias)} limit %(limit)s"
    async with _connection(context, conn) as connection, connection.cursor(binary=True) as cursor:
        await cursor.execute(text, given)
        found: list[Row] = await cursor.fetchall()
        return found


@asynccontextmanager
async def _connection(context: Context, conn: Conn | None) -> AsyncIterator[Conn]:
    if conn is not None:
        yield conn
        return
    async with context.pool.connection() as lent:
        yield lent


def _raw(info: Info) -> GraphQLResolveInfo[Any]:
    return info._raw_info


def _document(raw: GraphQLResolveInfo[Any]) -> Document:
    variables: Any = raw.variable_values  # strawberry hands over the coerced values themselves
    return Document(raw.fragments, variables)


def _entity_plan(raw: GraphQLResolveInfo[Any]) -> Plan:
    name = get_named_type(raw.return_type).name
    plan: Plan = _planned(raw, raw.field_nodes, ("entity", name), lambda planner: planner.plan(name, raw.field_nodes))
    return plan


# Plans of the latest documents. The nodes are kept with their plan, so an id cannot come to mean another node.
_plans: OrderedDict[tuple[object, ...], tuple[Sequence[FieldNode], frozenset[str], dict[tuple[object, ...], Any]]] = OrderedDict()


def _planned(raw: GraphQLResolveInfo[Any], nodes: Sequence[FieldNode], what: object, make: Callable[[Planner], Any]) -> Any:
    """Give the plan of these nodes under the present @include and @skip, made once."""
    document = _document(raw)
    key = (what, id(raw.schema), *map(id, nodes))
    known = _plans.get(key)
    if known is None:
        known = _plans[key] = (nodes, document.switches(nodes), {})
        if len(_plans) > PLANS_KEPT:
            _plans.popitem(last=False)
    else:
        _plans.move_to_end(key)
    _, switches, variants = known
    switched = tuple(document.variables.get(name) for name in sorted(switches)) if switches else ()
    plan = variants.get(switched)
    if plan is None:
        if len(variants) >= VARIANTS_KEPT:
            variants.clear()
        plan = variants[switched] = make(Planner(registry_of(raw.schema), document))
    return plan


def _plan_page(planner: Planner, raw: GraphQLResolveInfo[Any], order: Order) -> _Page:
    kind: Any = get_named_type(raw.return_type)
    builder = planner.start(get_named_type(kind.fields["nodes"].type).name, [sql for sql, _ in order.columns])
    edge = get_named_type(kind.fields["edges"].type).name
    parts = [(key, _page_part(builder, nodes, order, kind.name, edge)) for key, nodes in planner.document.fields(raw.field_nodes).items()]

    def make(found: Sequence[Row], more: bool, before: bool) -> dict[str, Any]:
        return {key: part(found, more, before) for key, part in parts}

    return _Page(builder.finish(tuple), make)


def _page_part(builder: Builder, nodes: Sequence[FieldNode], order: Order, kind: str, edge: str) -> PagePart:
    name = nodes[0].name.value
    if name == "pageInfo":
        return _page_info(builder.planner, nodes, order)
    if name == "__typename":
        return lambda _found, _more, _before: kind
    each = builder.shape(nodes) if name == "nodes" else _edge(builder, nodes, order, edge)
    return lambda found, _more, _before: [each(row) for row in found]


def _edge(builder: Builder, nodes: Sequence[FieldNode], order: Order, edge: str) -> Maker:
    parts: list[tuple[str, Callable[[Row], Any]]] = []
    for key, wanted in builder.planner.document.fields(nodes).items():
        name = wanted[0].name.value
        if name == "node":
            parts.append((key, builder.shape(wanted)))
        else:
            parts.append((key, order.cursor if name == "cursor" else lambda _: edge))
    return lambda row: {key: part(row) for key, part in parts}


def _page_info(planner: Planner, nodes: Sequence[FieldNode], order: Order) -> PagePart:
    wanted = [(key, found[0].name.value) for key, found in planner.document.fields(nodes).items()]

    def make(found: Sequence[Row], more: bool, before: bool) -> dict[str, Any]:
        facts = {
            "__typename": "PageInfo",
            "hasNextPage": more,
            "hasPreviousPage": before,
            "startCursor": order.cursor(found[0]) if found else None,
            "endCursor": order.cursor(found[-1]) if found else None,
        }
        return {key: facts[name] for key, name in wanted}

    return make


def _plain_value(value: object) -> object:
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    return str(value)


def _cursor_values(cursor: str, kinds: Sequence[str]) -> list[object]:
    foreign = Invalid("after is no cursor of this list", "分页游标无效", field="after")
    if len(cursor) > MAX_CURSOR:
        raise foreign
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [_typed_value(value, kind) for value, kind in zip(found, kinds, strict=True)]
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise foreign from None
    return values


def _typed_value(value: object, kind: str) -> object:
    if kind == "instant" and isinstance(value, int):
        return EPOCH + timedelta(microseconds=value)
    if isinstance(value, str) and "\x00" not in value:
        return UUID(value) if kind == "uuid" else value
    raise ValueError(kind)
