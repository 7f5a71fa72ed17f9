"""Every planned type of a built schema, checked: what cannot be planned is refused when the schema is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type, is_list_type, is_non_null_type

from api.entity import META, Column, Derived, Entity, Many, One, Spec

DEFINITION = "strawberry-definition"
KEY = "gridwarden.registry"
CONNECTION = frozenset({"edges", "nodes", "pageInfo"})


class UnplannableError(TypeError):
    """A field of the schema that the planner could not read; raised when the schema is built."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One entity of the schema with its fields by GraphQL name."""

    name: str
    entity: Entity
    fields: dict[str, tuple[Spec, GraphQLField]]


class Registry:
    """The entities of one schema by GraphQL name; raises UnplannableError naming the field that cannot be read."""

    def __init__(self, schema: GraphQLSchema) -> None:
        roots: set[Any] = {schema.query_type, schema.mutation_type, schema.subscription_type}
        self.types = {t.name: t for t in schema.type_map.values() if isinstance(t, GraphQLObjectType) and DEFINITION in t.extensions}
        self.entities: dict[str, Planned] = {}
        for name, kind in self.types.items():
            if (declared := _origin(kind).__dict__.get(META)) is not None:
                self.entities[name] = Planned(name, declared, dict(_specs(kind)))
        for planned in self.entities.values():
            for field, (spec, definition) in planned.fields.items():
                self._check(f"{planned.name}.{field}", spec, definition)
        # Pages, their edges and the updates of a subscription are handed over ready by whoever makes them.
        pages = [kind for kind in self.types.values() if self.is_connection(kind)]
        ready = {get_named_type(page.fields["edges"].type) for page in pages} | set(pages) | roots
        if schema.subscription_type is not None:
            ready |= {get_named_type(field.type) for field in schema.subscription_type.fields.values()}
        for kind in self.types.values():
            if kind.name not in self.entities and kind not in ready:
                self._check_plain(kind)

    def is_connection(self, kind: GraphQLObjectType) -> bool:
        """Tell whether a type is a page of an entity: edges, nodes and pageInfo."""
        return kind.fields.keys() == CONNECTION and get_named_type(kind.fields["nodes"].type).name in self.entities

    def _check(self, where: str, spec: Spec, field: GraphQLField) -> None:
        target = get_named_type(field.type)
        listed = _is_list(field)
        if field.args:
            raise UnplannableError(f"{where}: a planned field takes no arguments")
        if isinstance(spec, Column) and not is_leaf_type(target):
            raise UnplannableError(f"{where}: a column gives a scalar, not {target.name}")
        if isinstance(spec, Derived) and not is_leaf_type(target):
            self._check_value(where, target, ())
        if isinstance(spec, One | Many):
            other = self.entities.get(target.name)
            if other is None:
                raise UnplannableError(f"{where}: {target.name} is no entity, so it cannot be joined")
            if listed is not isinstance(spec, Many):
                raise UnplannableError(f"{where}: use many() for a list and one() for a single row")
            if isinstance(spec, One) and other.entity.permission is not None:
                raise UnplannableError(f"{where}: {target.name} is guarded, so it is reached by a list or from the root")
        try:
            _formatted(spec)
        except (IndexError, KeyError, ValueError) as error:
            raise UnplannableError(f"{where}: the braces of its SQL do not fit: {error}") from None

    def _check_value(self, where: str, kind: Any, above: tuple[str, ...]) -> None:
        """A derived object is plain: no entity in it, no resolver, no arguments, no end in itself."""
        if not isinstance(kind, GraphQLObjectType) or kind.name in self.entities or kind.name in above:
            raise UnplannableError(f"{where}: {kind} cannot be derived; only plain objects can")
        for name, field in kind.fields.items():
            target = get_named_type(field.type)
            if field.args or _definition(field).base_resolver is not None:
                raise UnplannableError(f"{where}: {kind.name}.{name} has a resolver or arguments, so it cannot be derived")
            if not is_leaf_type(target):
                self._check_value(f"{where}.{name}", target, (*above, kind.name))

    def _check_plain(self, kind: GraphQLObjectType) -> None:
        for name, field in kind.fields.items():
            target = get_named_type(field.type).name
            if target in self.entities and _definition(field).base_resolver is None:
                raise UnplannableError(f"{kind.name}.{name}: {target} is an entity, so it needs a resolver that reads it")


def registry_of(schema: GraphQLSchema) -> Registry:
    """Give the registry of a schema, built once."""
    found = schema.extensions.get(KEY)
    if not isinstance(found, Registry):
        found = schema.extensions[KEY] = Registry(schema)
    return found


def _specs(kind: GraphQLObjectType) -> Iterator[tuple[str, tuple[Spec, GraphQLField]]]:
    for name, field in kind.fields.items():
        definition = _definition(field)
        spec = definition.metadata.get(META)
        if spec is None or definition.base_resolver is not None:
            raise UnplannableError(f"{kind.name}.{name}: say where it stands with column(), one(), many() or derived()")
        yield name, (spec, field)


def _formatted(spec: Spec) -> None:
    texts: tuple[str, ...] = (spec.sql,) if isinstance(spec, Column | Derived) else (spec.on,)
    if isinstance(spec, Many):
        texts = (spec.on, spec.order, spec.source or "")
    for text in texts:
        text.format("t0", "t1")


def _is_list(field: GraphQLField) -> bool:
    kind = field.type.of_type if is_non_null_type(field.type) else field.type
    return bool(is_list_type(kind))


def _origin(kind: GraphQLObjectType) -> type:
    origin: type = kind.extensions[DEFINITION].origin
    return origin


def _definition(field: GraphQLField) -> Any:
    return field.extensions[DEFINITION]
