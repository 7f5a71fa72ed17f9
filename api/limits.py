"""How much one caller may ask for at once. Every refusal names its limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, GraphQLError, OperationDefinitionNode
from graphql.language import SelectionSetNode

from api.errors import refusal

MAX_BODY_BYTES: Final = 256 * 1024
MAX_TOKENS: Final = 2500
MAX_DEPTH: Final = 12
MAX_ALIASES: Final = 40
MAX_FIELDS: Final = 500
MAX_ROOT_FIELDS: Final = 12
MAX_OPERATIONS: Final = 20
MAX_SUBSCRIPTIONS: Final = 10


class _Size(NamedTuple):
    """What a selection asks for with its fragments spread; ``width`` counts the fields at its top."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    width: int = 0


class _Measure:
    """Measures the selections of one document, each fragment once."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self._known: dict[str, _Size] = {}

    def of(self, selections: SelectionSetNode | None) -> _Size:
        """Measure a selection set; a fragment in a circle counts as empty, validation refuses it."""
        depth = fields = aliases = width = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                inner = self.of(node.selection_set)
                inner = _Size(inner.depth + 1, inner.fields + 1, inner.aliases + (node.alias is not None), 1)
            elif isinstance(node, FragmentSpreadNode):
                inner = self._fragment(node.name.value)
            else:
                inner = self.of(node.selection_set)  # type: ignore[attr-defined]
            depth, fields = max(depth, inner.depth), fields + inner.fields
            aliases, width = aliases + inner.aliases, width + inner.width
        return _Size(depth, fields, aliases, width)

    def _fragment(self, name: str) -> _Size:
        if name not in self._known:
            self._known[name] = _Size()
            if name in self.fragments:
                self._known[name] = self.of(self.fragments[name].selection_set)
        return self._known[name]


def check(document: DocumentNode) -> list[GraphQLError]:
    """List the limits a document passes; cheap, so it comes before validation, whose cost these limits bound."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    measure = _Measure(fragments)
    found = [_over("operations in a document", "操作数", len(document.definitions), MAX_OPERATIONS)]
    for operation in operations:
        size = measure.of(operation.selection_set)
        found.append(_over("levels of nesting", "嵌套层数", size.depth, MAX_DEPTH))
        found.append(_over("fields", "字段数", size.fields, MAX_FIELDS))
        found.append(_over("aliases", "别名数", size.aliases, MAX_ALIASES))
        found.append(_over("root fields", "顶层字段数", size.width, MAX_ROOT_FIELDS))
    sizes = (measure.of(fragment.selection_set).fields for fragment in fragments.values())  # unused ones too: validation reads them
    found.extend(_over("fields in a fragment", "片段字段数", size, MAX_FIELDS) for size in sizes)
    return [error for error in found if error is not None]


def _over(what_en: str, what_zh: str, count: int, most: int) -> GraphQLError | None:
    if count <= most:
        return None
    return refusal("too_many", f"{count} {what_en}; at most {most} are answered", f"{what_zh} {count} 超过上限 {most}")
