"""How operations run: read once per document, root fields in order, ready values passed on, errors told in one form."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import strawberry
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    parse,
    specified_rules,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext, validate_document
from strawberry.types.execution import ExecutionContext

from api import errors, limits
from api.read import Ready

DOCUMENTS_KEPT: Final = 512
LONGEST_KEPT: Final = 16 * 1024  # characters; clients' documents are shorter, and anybody may send what is kept here


class ReadyExecutor(StrawberryGraphQLCoreExecutionContext):
    """The usual executor, but a value that is ready is passed on as it is, and the root fields of a query run in order.

    In order, because a client asks for the feed's position and then for a list, and relies on the list being the younger;
    and so that one operation never holds more than one connection to the database.
    """

    def complete_value(self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any) -> Any:
        """Pass a ready value on."""
        if type(result) is Ready:
            return result.value
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Run the root fields one after another."""
        return super().execute_operation(serially or self.operation.operation is OperationType.QUERY)


@dataclass(frozen=True, slots=True)
class _Read:
    document: DocumentNode
    errors: list[GraphQLError]


class Documents:
    """The latest documents, parsed, measured and validated; one per schema."""

    def __init__(self, *, introspection: bool) -> None:
        self.rules = tuple(specified_rules) if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        self._kept: OrderedDict[str, _Read] = OrderedDict()

    def read(self, schema: Any, text: str) -> _Read:
        """Give a document with what is wrong with it; raises GraphQLSyntaxError."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        document = parse(text, max_tokens=limits.MAX_TOKENS)
        found = _Read(document, limits.check(document) or validate_document(schema, document, self.rules))
        if len(text) > LONGEST_KEPT:
            return found
        self._kept[text] = found
        if len(self._kept) > DOCUMENTS_KEPT:
            self._kept.popitem(last=False)
        return found


class ReadOnce(SchemaExtension):
    """Hand each operation its document from the kept ones, so that nothing is parsed or validated twice."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents

    def on_parse(self) -> Iterator[None]:
        """Read the document; a syntax error is left to the ordinary way, which meets it again and reports it."""
        context = self.execution_context
        if context.query:
            try:
                read = self.documents.read(context.schema._schema, context.query)
            except GraphQLSyntaxError:
                context.parse_options = {"max_tokens": limits.MAX_TOKENS}
            else:
                context.graphql_document = read.document
                # A copy: what is told to one caller is not told to the next.
                context.pre_execution_errors = [_fresh(error) for error in read.errors]
        yield


class Schema(strawberry.Schema):
    """The schema with our one form of errors."""

    def process_errors(self, found: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:  # noqa: ARG002
        """Give every error its form before it leaves."""
        for error in found:
            errors.tell(error)


def _fresh(error: GraphQLError) -> GraphQLError:
    return GraphQLError(error.message, nodes=error.nodes, extensions=dict(error.extensions or {}))
