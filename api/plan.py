"""From a GraphQL selection to one SQL statement, and from its rows to ready JSON values.

A plan is made once for a document and run many times. The columns of the outermost rows arrive as native values; lists
inside them arrive as JSON arrays of arrays, made by one aggregated subselect each, so that a selection of any depth is one
statement. Nothing here knows a table or a permission by name: that stands with the types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import orjson
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, GraphQLField, InlineFragmentNode, get_named_type
from graphql.language import BooleanValueNode, SelectionSetNode, VariableNode

from api.entity import Column, Derived, Many, One, Spec
from api.registry import Planned, Registry
from domain.people.scope import SEES

Row = Sequence[Any]
Maker = Callable[[Row], dict[str, Any]]
Change = Callable[[Any, Row], Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCOPES = re.compile(r"%\((\w+)__all\)s")


def sees(alias: str, permission: str) -> str:
    """Write the condition under which a row is seen with a permission; its values come with the statement."""
    return SEES.format(alias).replace("%(scope_", f"%({permission.replace('.', '_')}__")


def scopes_in(sql: str) -> tuple[str, ...]:
    """List the permissions whose scope a statement needs the values of."""
    return tuple(dict.fromkeys(name.replace("_", ".", 1) for name in _SCOPES.findall(sql)))


@dataclass(frozen=True, slots=True)
class Document:
    """What a selection may refer to: the fragments of its document and the values of its variables."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def fields(self, nodes: Iterable[FieldNode]) -> dict[str, list[FieldNode]]:
        """Merge the selections of these nodes: response key to the nodes that ask for it, in document order."""
        found: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for node in nodes:
            if node.selection_set:
                self._collect(node.selection_set, found, visited)
        return found

    def _collect(self, selections: SelectionSetNode, found: dict[str, list[FieldNode]], visited: set[str]) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._collect(node.selection_set, found, visited)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                self._collect(self.fragments[node.name.value].selection_set, found, visited)

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            wanted = {"include": True, "skip": False}.get(directive.name.value)
            if wanted is not None and self._value(directive.arguments[0].value) is not wanted:
                return False
        return True

    def _value(self, node: Any) -> object:
        if isinstance(node, VariableNode):
            return self.variables.get(node.name.value)
        return node.value if isinstance(node, BooleanValueNode) else None

    def switches(self, nodes: Iterable[Any]) -> frozenset[str]:
        """Name the variables that decide, anywhere below these nodes, what is asked for."""
        found: set[str] = set()
        stack, visited = list(nodes), set()
        while stack:
            node = stack.pop()
            for directive in node.directives or ():
                found.update(a.value.name.value for a in directive.arguments or () if isinstance(a.value, VariableNode))
            if isinstance(node, FragmentSpreadNode):
                if node.name.value not in visited:
                    visited.add(node.name.value)
                    stack.extend(self.fragments[node.name.value].selection_set.selections)
            elif node.selection_set:
                stack.extend(node.selection_set.selections)
        return frozenset(found)


@dataclass(slots=True)
class Select:
    """One select under construction: its columns, each asked for once, and its joins."""

    nested: bool = False
    columns: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)

    def slot(self, sql: str) -> int:
        """Ask for a column; give its index in the row."""
        if sql not in self.columns:
            self.columns.append(sql)
        return self.columns.index(sql)


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows of one entity, ready but for where, order and limit, which the caller knows."""

    alias: str
    columns: tuple[str, ...]
    source: str
    joins: str
    permission: str | None
    guard: str
    make: Callable[[Row], Any]

    @property
    def select(self) -> str:
        """The statement up to its where clause."""
        return f"select {', '.join(self.columns) or 'null'} from {self.source} {self.alias} {self.joins}"


class Planner:
    """Plans the selections of one operation against one registry."""

    def __init__(self, registry: Registry, document: Document) -> None:
        self.registry = registry
        self.document = document
        self._count = 0

    def alias(self) -> str:
        """Give the next alias of the statement."""
        self._count += 1
        return f"t{self._count - 1}"

    def start(self, name: str, more: Sequence[str] = (), *, nested: bool = False) -> Builder:
        """Begin a select of an entity; ``more`` are columns put first in every row."""
        builder = Builder(self, self.registry.entities[name], self.alias(), Select(nested=nested))
        for sql in more:
            builder.select.slot(sql.format(builder.alias))
        return builder

    def plan(self, name: str, nodes: Sequence[FieldNode], more: Sequence[str] = ()) -> Plan:
        """Plan rows of the entity, each made into one object."""
        builder = self.start(name, more)
        return builder.finish(builder.shape(nodes))

    def picker(self, target: str, nodes: Sequence[FieldNode]) -> Callable[[Any], Any]:
        """Pick what is asked for from plain dictionaries; leaves pass as they are."""
        kind = self.registry.types.get(target)
        if kind is None:
            return lambda value: value
        parts = []
        for key, wanted in self.document.fields(nodes).items():
            name = wanted[0].name.value
            inner = (lambda _: target) if name == "__typename" else self.picker(get_named_type(kind.fields[name].type).name, wanted)
            parts.append((key, name, inner))

        def pick(value: Any) -> Any:
            if isinstance(value, list):
                return [pick(item) for item in value]
            return None if value is None else {key: inner(value.get(name)) for key, name, inner in parts}

        return pick


@dataclass(frozen=True, slots=True)
class Builder:
    """One entity's part of a select: which columns and joins a selection needs, and how a row becomes an object."""

    planner: Planner
    planned: Planned
    alias: str
    select: Select

    def finish(self, make: Callable[[Row], Any]) -> Plan:
        """Put the select together."""
        entity, alias, permission = self.planned.entity, self.alias, self.planned.entity.permission
        guard = sees(entity.guarded.format(alias), permission) if permission else ""
        joins = " ".join([entity.guard_join.format(alias) if guard else "", *self.select.joins])
        return Plan(alias, tuple(self.select.columns), entity.source, joins, permission, guard, make)

    def shape(self, nodes: Sequence[FieldNode]) -> Maker:
        """Ask the select for what the nodes want, and give the function that makes an object of a row."""
        slots: dict[str, int] = {}
        changes: list[tuple[str, Change]] = []
        for key, wanted in self.planner.document.fields(nodes).items():
            name = wanted[0].name.value
            if name == "__typename":
                slots[key] = self.select.slot(f"'{self.planned.name}'::text")
                continue
            slots[key], change = self._field(*self.planned.fields[name], wanted)
            if change is not None:
                changes.append((key, change))
        return _maker(slots, changes)

    def _field(self, spec: Spec, definition: GraphQLField, nodes: Sequence[FieldNode]) -> tuple[int, Change | None]:
        target = get_named_type(definition.type).name
        if isinstance(spec, Column):
            return self._column(spec.sql.format(self.alias), target)
        if isinstance(spec, Derived):
            make, pick = spec.make, self.planner.picker(target, nodes)
            return self.select.slot(spec.sql.format(self.alias)), lambda value, _: None if value is None else pick(make(value))
        if isinstance(spec, One):
            return self._one(spec, target, nodes)
        return self._many(spec, target, nodes)

    def _column(self, sql: str, target: str) -> tuple[int, Change | None]:
        if target == "DateTime" and self.select.nested:  # inside JSON an instant is a number, so that it is written one way only
            return self.select.slot(f"(extract(epoch from {sql}) * 1000000)::bigint"), _instant
        return self.select.slot(sql), _fragment if target == "GeoJSON" else None

    def _one(self, spec: One, target: str, nodes: Sequence[FieldNode]) -> tuple[int, Change]:
        other = Builder(self.planner, self.planner.registry.entities[target], self.planner.alias(), self.select)
        self.select.joins.append(f"left join {other.planned.entity.source} {other.alias} on {spec.on.format(other.alias, self.alias)}")
        there = self.select.slot(f"({other.alias}.id is not null)")
        make = other.shape(nodes)
        return there, lambda value, row: make(row) if value else None

    def _many(self, spec: Many, target: str, nodes: Sequence[FieldNode]) -> tuple[int, Change]:
        other = self.planner.start(target, nested=True)
        make = other.shape(nodes)
        plan = other.finish(make)
        source = (spec.source or plan.source).format(other.alias, self.alias)
        where = spec.on.format(other.alias, self.alias) + (f" and {plan.guard}" if plan.guard else "")
        listed = (
            f"(select coalesce(json_agg(l.v), '[]') from (select json_build_array({', '.join(plan.columns)}) as v"
            f" from {source} {other.alias} {plan.joins} where {where}"
            f" order by {spec.order.format(other.alias, self.alias)} limit {spec.limit}) l)"
        )
        return self.select.slot(listed), lambda value, _: [make(row) for row in value]


def _maker(slots: Mapping[str, int], changes: Sequence[tuple[str, Change]]) -> Maker:
    keys, indexes = tuple(slots), tuple(slots.values())
    if not keys:
        return lambda _: {}
    take: Callable[[Row], Any] = itemgetter(*indexes) if len(indexes) > 1 else lambda row: (row[indexes[0]],)
    if not changes:
        return lambda row: dict(zip(keys, take(row), strict=True))

    def make(row: Row) -> dict[str, Any]:
        made = dict(zip(keys, take(row), strict=True))
        for key, change in changes:
            made[key] = change(made[key], row)
        return made

    return make


def _instant(value: Any, _: Row) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


def _fragment(value: Any, _: Row) -> orjson.Fragment | None:
    return None if value is None else orjson.Fragment(value)
