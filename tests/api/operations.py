"""Random valid queries: any fields, aliases, named and inline fragments, @include and @skip, fields asked for twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type
from hypothesis import strategies as st

SWITCHES = ("yes", "no")
LEFT_OUT = frozenset({"cursor", "startCursor", "endCursor"})  # opaque
DEEPEST = 4


@dataclass
class Writer:
    """Writes one document, drawing every choice."""

    schema: GraphQLSchema
    draw: Callable[[Any], Any]
    fragments: list[str] = field(default_factory=list)
    _names: int = 0

    def document(self, roots: Sequence[str]) -> str:
        """Write a query of these root fields, each with its arguments."""
        kind = self.schema.query_type
        assert kind is not None
        texts = []
        for i, root in enumerate(roots):
            target = get_named_type(kind.fields[root.partition("(")[0]].type)
            texts.append(f"r{i}: {root} {self.selection(target, 0)}")
        names = ", ".join(f"${name}: Boolean!" for name in SWITCHES)
        return "\n".join([f"query({names}) {{ {' '.join(texts)} {self._touch()} }}", *self.fragments])

    def selection(self, kind: Any, depth: int) -> str:
        """Write a selection set of an object type."""
        assert isinstance(kind, GraphQLObjectType)
        names = sorted(kind.fields.keys() - LEFT_OUT)
        if depth >= DEEPEST:
            names = [name for name in names if is_leaf_type(get_named_type(kind.fields[name].type))]
        # What reaches further is asked for as often as all the plain fields together.
        further = [name for name in names if not is_leaf_type(get_named_type(kind.fields[name].type))]
        one = st.sampled_from([*names, "__typename"])
        chosen = self.draw(st.lists(one | st.sampled_from(further) if further else one, min_size=1, max_size=4))
        parts = [self._field(kind, name, depth) for name in chosen]
        return "{ " + " ".join(self._wrapped(kind, part) for part in parts) + " __typename }"

    def _field(self, kind: GraphQLObjectType, name: str, depth: int) -> str:
        alias = f"a{self._next()}: " if self.draw(st.integers(0, 4)) == 0 else ""
        if name == "__typename":
            return f"{alias}{name}"
        target = get_named_type(kind.fields[name].type)
        below = "" if is_leaf_type(target) else self.selection(target, depth + 1)
        return f"{alias}{name}{self._switch()} {below}"

    def _wrapped(self, kind: GraphQLObjectType, text: str) -> str:
        match self.draw(st.integers(0, 7)):
            case 0:
                return f"... on {kind.name}{self._switch()} {{ {text} }}"
            case 1:
                return f"...{self._switch()} {{ {text} }}"
            case 2:
                name = f"F{self._next()}"
                self.fragments.append(f"fragment {name} on {kind.name} {{ {text} }}")
                return f"...{name}{self._switch()} ...{name}"
        return text

    def _switch(self) -> str:
        choices = ["", "", "", " @include(if: $yes)", " @skip(if: $no)", " @include(if: $no)", " @skip(if: true)"]
        return str(self.draw(st.sampled_from(choices)))

    def _touch(self) -> str:
        """Use every variable, as validation wants."""
        return " ".join(f"... @include(if: ${name}) {{ __typename }}" for name in SWITCHES)

    def _next(self) -> int:
        self._names += 1
        return self._names


CASE_FILTERS = (
    "", ", filter: {open: true}", ", filter: {open: false}", ', filter: {states: ["filed", "handled"]}', ", filter: {overdue: true}",
    ", filter: {overdue: false, unowned: false}", ", filter: {unowned: true}", ', filter: {origin: "alert"}', ', filter: {text: "垃圾"}',
    ", filter: {bbox: [114.9, 27.8, 114.915, 27.83]}",
)  # fmt: skip


@st.composite
def queries(draw: Callable[[Any], Any], schema: GraphQLSchema) -> str:
    """Draw a query over cases, areas, departments and the caller."""
    first = draw(st.integers(1, 12))
    roots = draw(
        st.lists(
            st.sampled_from(
                [
                    f"cases(first: {first}{draw(st.sampled_from(CASE_FILTERS))})",
                    "cases(first: 20)",
                    'areas(layer: "grid", first: 5)',
                    'areas(layer: "admin", level: "town", first: 3)',
                    "departments",
                    "me",
                ]
            ),
            min_size=1,
            max_size=2,
        )
    )
    return Writer(schema, draw).document(roots)
