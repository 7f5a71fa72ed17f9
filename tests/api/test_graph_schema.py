"""The schema as a contract: what clients hold equals what is served, and what cannot be planned is never built."""

import pytest
import strawberry
from graphql import GraphQLSchema, build_schema, parse, validate
from strawberry.schema.config import StrawberryConfig

from api.commands.schema import FILE
from api.entity import column, derived, entity, many, one, told
from api.execution import LONGEST_KEPT, Documents
from api.registry import Registry, UnplannableError, registry_of
from api.scalars import SCALARS
from api.schema import schema, sdl
from runtime.settings import CHECKOUT


def test_the_schema_clients_hold_is_the_one_that_is_served() -> None:
    assert FILE.read_text(encoding="utf-8") == sdl(), "run ./gridwarden schema"


def test_every_operation_of_the_map_is_valid() -> None:
    documents = [path.read_text(encoding="utf-8") for path in (CHECKOUT / "frontend_schema" / "operations").glob("*.graphql")]
    assert documents
    assert validate(build_schema(FILE.read_text(encoding="utf-8")), parse("\n".join(documents))) == []


def test_a_document_is_read_once_unless_it_is_so_long_that_keeping_it_would_fill_the_memory() -> None:
    documents, kinds = Documents(introspection=False), schema()._schema
    short, long = "{ me { id } }", "{ me { id } } #" + "x" * LONGEST_KEPT
    assert documents.read(kinds, short) is documents.read(kinds, short)
    assert documents.read(kinds, long) is not documents.read(kinds, long)
    assert documents.read(kinds, long).errors == []


def test_every_type_field_and_value_has_a_description() -> None:
    kinds = [kind for kind in schema()._schema.type_map.values() if not kind.name.startswith("__")]
    bare = [kind.name for kind in kinds if not kind.description]
    for kind in kinds:
        bare += [f"{kind.name}.{name}" for name, field in getattr(kind, "fields", {}).items() if not field.description]
    assert bare == []


def test_the_planner_knows_every_entity_of_the_schema() -> None:
    known = registry_of(schema()._schema).entities
    assert {"Area", "Case", "CaseTransition", "Department", "Matter", "Me", "Photo", "Receipt", "Report"} <= known.keys()


def _built(query: type) -> GraphQLSchema:
    return strawberry.Schema(query, config=StrawberryConfig(scalar_map=SCALARS))._schema


def _with(kind: type) -> type:
    @strawberry.type(description="Reads.")
    class Query:
        thing: object = strawberry.field(resolver=lambda: None, description="One.", graphql_type=kind)

    return Query


@entity("departments", "A whole one.")
class Whole:
    name: str = column("{0}.name", "Name.")


@strawberry.type(description="No entity.")
class Plain:
    name: str = told("Name.")


@strawberry.type(description="Plain on the outside.")
class Holder:
    whole: Whole = told("An entity inside a plain type.")


@entity("departments", "Guarded.", permission="case.read")
class Secret:
    name: str = column("{0}.name", "Name.")


@entity("departments", "Refers to itself through nothing.")
class Undeclared:
    name: str = told("Says not where it stands.")


@entity("departments", "A join to what is no entity.")
class JoinsPlain:
    plain: Plain = one("true", "Joined.")


@entity("departments", "A list joined as one row.")
class JoinsList:
    wholes: list[Whole] = one("true", "Joined.")


@entity("departments", "A row read as a list.")
class ListsOne:
    whole: Whole = many("true", "Listed.", order="{0}.id")


@entity("departments", "A column that is an object.")
class ColumnOfObject:
    plain: Plain = column("{0}.name", "Object.")


@entity("departments", "A derived entity.")
class DerivesEntity:
    whole: Whole = derived("{0}.name", lambda name: {"name": name}, "Derived.")


@entity("departments", "A guarded row reached by a join, which would show it unguarded.")
class JoinsGuarded:
    secret: Secret = one("{0}.id = {1}.id", "Joined.")


@entity("departments", "Braces that do not fit.")
class BadBraces:
    name: str = column("'{a,b}'", "Name.")


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (Undeclared, "Undeclared.name"),
        (JoinsPlain, "JoinsPlain.plain"),
        (JoinsList, "JoinsList.wholes"),
        (ListsOne, "ListsOne.whole"),
        (ColumnOfObject, "ColumnOfObject.plain"),
        (DerivesEntity, "DerivesEntity.whole"),
        (JoinsGuarded, "JoinsGuarded.secret"),
        (BadBraces, "BadBraces.name"),
        (Holder, "Holder.whole"),
    ],
)
def test_a_field_that_cannot_be_planned_is_an_error_when_the_schema_is_built(kind: type, named: str) -> None:
    with pytest.raises(UnplannableError, match=named):
        Registry(_built(_with(kind)))


def test_a_field_that_can_be_planned_is_built() -> None:
    assert Registry(_built(_with(Whole))).entities.keys() == {"Whole"}
