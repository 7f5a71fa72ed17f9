"""The oracle of the read path: the same declarations, read one value at a time with the plainest SQL, scope judged in Python.

It shares the registry with the planner and nothing else: no plan, no join, no aggregation, no cursor arithmetic.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_named_type,
    value_from_ast_untyped,
)
from graphql.language import ArgumentNode, SelectionSetNode

from api.entity import Column, Derived, Many, One
from api.graph.cases import verb_facts
from api.plan import scopes_in
from api.read import scope_values
from api.registry import Planned, Registry
from domain.base import Conn
from domain.cases.lifecycle import Transition, verbs_from
from domain.cases.rules import MAX_BOUNCES
from domain.errors import DomainError
from domain.people.scope import Actor, scope_for

# What decides who sees a case.
SEEN = "c.area_ids, c.department_id, c.party_ids, c.about_department_id"


@dataclass
class Naive:
    """Answers queries for one actor at one instant."""

    conn: Conn
    registry: Registry
    actor: Actor
    at: datetime
    document: DocumentNode
    variables: dict[str, Any]

    async def data(self) -> dict[str, Any]:
        """Answer the document's query."""
        operation = next(d for d in self.document.definitions if isinstance(d, OperationDefinitionNode))
        found: dict[str, Any] = {}
        for key, nodes in self.fields([operation.selection_set]).items():
            found[key] = "Query" if nodes[0].name.value == "__typename" else await self._root(nodes)
        return found

    def fields(self, selections: Iterable[SelectionSetNode | None]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        for node in (node for each in selections if each for node in self._spread(each)):
            found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return found

    def _spread(self, selections: SelectionSetNode) -> Iterable[FieldNode]:
        fragments = {d.name.value: d for d in self.document.definitions if isinstance(d, FragmentDefinitionNode)}
        for node in selections.selections:
            switches = {d.name.value: self._value(d.arguments) for d in node.directives or ()}
            if switches.get("skip", False) or not switches.get("include", True):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._spread(node.selection_set)
            else:
                yield from self._spread(fragments[node.name.value].selection_set)  # type: ignore[attr-defined]

    def _value(self, arguments: Sequence[ArgumentNode] | None) -> Any:
        assert arguments
        return value_from_ast_untyped(arguments[0].value, self.variables)

    async def _root(self, nodes: Sequence[FieldNode]) -> Any:
        given = {a.name.value: value_from_ast_untyped(a.value, self.variables) for a in nodes[0].arguments or ()}
        match nodes[0].name.value:
            case "cases":
                return await self._page("Case", await self._cases(given.get("filter") or {}), given, nodes)
            case "case":
                ids = [id_ for id_ in await self._cases({}) if str(id_) == given["id"]]
                return await self.entity("Case", ids[0], nodes) if ids else None
            case "areas":
                return await self._page("Area", await self._areas(given), given, nodes)
            case "departments":
                rows = await self._all("select id, kind, code from departments where active")
                rows.sort(key=lambda row: row["code"])
                rows.sort(key=lambda row: row["kind"], reverse=True)
                return [await self.entity("Department", row["id"], nodes) for row in rows]
            case "me":
                return await self.entity("Me", self.actor.user_id, nodes)
        raise AssertionError(nodes[0].name.value)

    async def _cases(self, wanted: Mapping[str, Any]) -> list[UUID]:
        rows = await self._all(
            "select id, number, origin, state, title, area_ids, department_id, party_ids, about_department_id, home_area_id, due_at,"
            " closed_at, opened_at, st_x(position) as lon, st_y(position) as lat from cases"
        )
        scope_for(self.actor, "case.read")
        seen = [row for row in rows if self._allowed("case.read", row)]
        kept = [row for row in seen if self._wanted(row, wanted)]
        return [row["id"] for row in sorted(kept, key=lambda row: (row["opened_at"], row["id"]), reverse=True)]

    def _wanted(self, row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
        overdue = row["closed_at"] is None and row["due_at"] is not None and row["due_at"] <= self.at
        facts = {
            "open": row["closed_at"] is None, "overdue": overdue, "origin": row["origin"],
            "departmentId": str(row["department_id"]),
            "unowned": row["department_id"] is None and (row["state"] != "checking" or row["home_area_id"] is None),
        }  # fmt: skip
        simple = all(facts[name] == value for name, value in wanted.items() if name in facts)
        states = wanted.get("states") is None or row["state"] in wanted["states"]
        area = wanted.get("areaId") is None or wanted["areaId"] in map(str, row["area_ids"])
        text = not wanted.get("text") or row["number"].startswith(wanted["text"]) or wanted["text"] in row["title"]
        box = wanted.get("bbox")
        inside = box is None or (box[0] <= row["lon"] <= box[2] and box[1] <= row["lat"] <= box[3])
        return simple and states and area and text and inside

    async def _areas(self, given: Mapping[str, Any]) -> list[UUID]:
        rows = await self._all("select * from area_versions where layer = %s", given["layer"])
        now = [row for row in rows if row["valid_from"] <= self.at and (row["valid_to"] is None or row["valid_to"] > self.at)]
        kept = [row for row in now if given.get("level") in (None, row["level"]) and given.get("parentId") in (None, str(row["parent_id"]))]
        return [row["id"] for row in sorted(kept, key=lambda row: (row["level"], row["code"], row["id"]))]

    async def _page(self, name: str, ids: Sequence[UUID], given: Mapping[str, Any], nodes: Sequence[FieldNode]) -> dict[str, Any]:
        """Give the first rows; cursors are opaque, so they are left out of the comparison by asking for none."""
        first = given["first"]
        shown = ids[:first]
        page: dict[str, Any] = {}
        for key, wanted in self.fields(node.selection_set for node in nodes).items():
            match wanted[0].name.value:
                case "nodes":
                    page[key] = [await self.entity(name, id_, wanted) for id_ in shown]
                case "edges":
                    page[key] = [await self._edge(name, id_, wanted) for id_ in shown]
                case "pageInfo":
                    asked = self.fields(node.selection_set for node in wanted)
                    facts = {"hasNextPage": len(ids) > first, "hasPreviousPage": False, "__typename": "PageInfo"}
                    page[key] = {k: facts[n[0].name.value] for k, n in asked.items()}
                case "__typename":
                    page[key] = f"{name}Connection"
        return page

    async def _edge(self, name: str, id_: UUID, nodes: Sequence[FieldNode]) -> dict[str, Any]:
        asked = self.fields(node.selection_set for node in nodes)
        return {
            key: f"{name}Edge" if wanted[0].name.value == "__typename" else await self.entity(name, id_, wanted)
            for key, wanted in asked.items()
        }

    async def entity(self, name: str, id_: UUID, nodes: Sequence[FieldNode], source: str | None = None) -> dict[str, Any]:
        """Read one object field by field."""
        planned = self.registry.entities[name]
        found: dict[str, Any] = {}
        for key, wanted in self.fields(node.selection_set for node in nodes).items():
            field = wanted[0].name.value
            found[key] = name if field == "__typename" else await self._field(planned, field, id_, wanted, source or planned.entity.source)
        return found

    async def _field(self, planned: Planned, field: str, id_: UUID, nodes: Sequence[FieldNode], source: str) -> Any:
        spec, definition = planned.fields[field]
        target = get_named_type(definition.type).name
        if planned.name == "Case" and field == "allowedVerbs":
            return self._pick(target, verb_facts(await self._verbs(id_)), nodes)
        if isinstance(spec, Column | Derived):
            asked = spec.sql.format("outermost")
            value = await self._column(f"select ({asked}) as value from {source} outermost where outermost.id = %s", id_)
            if isinstance(spec, Derived):
                return None if value is None else self._pick(target, spec.make(value), nodes)
            return orjson.loads(value) if target == "GeoJSON" and value is not None else value
        return await self._related(spec, target, id_, nodes, source)

    async def _related(self, spec: One | Many, target: str, id_: UUID, nodes: Sequence[FieldNode], source: str) -> Any:
        other = self.registry.entities[target]
        theirs = other.entity.source
        if isinstance(spec, Many) and spec.source:  # a source of its own names the outer row, which is a single one here
            theirs = "lateral " + spec.source.format("inward", "outward")
        order = f" order by {spec.order.format('inward', 'outward')} limit {spec.limit}" if isinstance(spec, Many) else ""
        on = spec.on.format("inward", "outward")
        statement = f"select inward.id from {source} outward, {theirs} inward where outward.id = %s and {on}{order}"
        ids = [row["id"] for row in await self._all(statement, id_)]
        if isinstance(spec, One):
            return await self.entity(target, ids[0], nodes) if ids else None
        return [await self.entity(target, found, nodes) for found in ids if await self._visible(other, found)]

    async def _visible(self, planned: Planned, id_: UUID) -> bool:
        permission = planned.entity.permission
        if permission is None:
            return True
        (row,) = await self._all(
            f"select {SEEN} from {planned.entity.source} o join cases c on c.id = o.case_id where o.id = %s", id_
        )
        return self._allowed(permission, row)

    async def _verbs(self, case_id: UUID) -> list[str]:
        (row,) = await self._all(
            f"select {SEEN}, c.state, c.bounces, c.open_parts, c.pending_request,"
            " (select count(*) from case_escalations e where e.case_id = c.id and e.explained_at is null) as unexplained,"
            " array(select p.department_id from case_parts p where p.case_id = c.id and p.done_at is null) as owing"
            " from cases c where c.id = %s",
            case_id,
        )
        return [
            step.verb
            for step in verbs_from(row["state"])
            if any(self._allowed(word, row) and self._offered(step, word, row) for word in (step.permission, *step.also) if "." in word)
        ]

    def _offered(self, step: Transition, permission: str, row: Mapping[str, Any]) -> bool:
        """Judge the guards that decide what is offered, in plain words."""
        scope, own = scope_for(self.actor, permission), self.actor.departments()
        holds = {
            "may_bounce": row["bounces"] < MAX_BOUNCES,
            "parts_done": row["open_parts"] == 0,
            "none_pending": row["pending_request"] is None,
            "any_pending": row["pending_request"] is not None,
            "extension_pending": row["pending_request"] == "extension",
            "owes_explanation": row["unexplained"] > 0,
            "has_part": bool(own & set(row["owing"])),
            "not_own_work": row["department_id"] not in own,
            "has_it": scope.allows(row["area_ids"], [row["department_id"]] if row["department_id"] else []),
        }
        return all(holds.get(guard, True) for guard in step.guards)

    def _allowed(self, permission: str, row: Mapping[str, Any]) -> bool:
        try:
            scope = scope_for(self.actor, permission)
        except DomainError:
            return False
        units = [row["department_id"]] if row["department_id"] else []
        return scope.allows(row["area_ids"], [*units, *row["party_ids"]]) and row["about_department_id"] not in self.actor.departments()

    def _pick(self, target: str, value: Any, nodes: Sequence[FieldNode]) -> Any:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return [self._pick(target, item, nodes) for item in value]
        if not isinstance(value, dict):
            return value
        fields = self.registry.types[target].fields
        return {
            key: target if (name := n[0].name.value) == "__typename" else self._pick(get_named_type(fields[name].type).name, value[name], n)
            for key, n in self.fields(node.selection_set for node in nodes).items()
        }

    async def _column(self, statement: str, id_: UUID) -> Any:
        (row,) = await self._all(statement, id_)
        return row["value"]

    async def _all(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Read rows; a field that itself looks at other cases is told what the actor may see of them."""
        parts = statement.split("%s")
        named = "".join(f"{part}%(v{i})s" for i, part in enumerate(parts[:-1])) + parts[-1]
        given = {f"v{i}": value for i, value in enumerate(values)}
        scopes = scope_values(self.actor, scopes_in(statement))
        cursor = await self.conn.execute(named, {**given, "at": self.at, "as_of": self.at, **scopes})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
