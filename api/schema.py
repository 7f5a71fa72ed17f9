"""The schema: the contexts' mixins put together, and every planned field checked while it is built."""

from __future__ import annotations

from functools import cache

import strawberry
from strawberry.schema.config import StrawberryConfig

from api.execution import Documents, ReadOnce, ReadyExecutor, Schema
from api.graph.alerts import AlertsMutation
from api.graph.areas import AreasQuery
from api.graph.bulk import BulkMutation, BulkQuery
from api.graph.cases import CasesMutation, CasesQuery
from api.graph.connectors import ConnectorsMutation, ConnectorsQuery
from api.graph.deliveries import DeliveriesMutation, DeliveriesQuery
from api.graph.dispatch import DispatchMutation, DispatchQuery
from api.graph.duplicates import DuplicatesQuery
from api.graph.endpoints import EndpointsMutation, EndpointsQuery
from api.graph.field import FieldMutation, FieldQuery
from api.graph.insights import InsightsMutation, InsightsQuery
from api.graph.live import LiveSubscription
from api.graph.people import PeopleMutation, PeopleQuery
from api.graph.places import PlacesQuery
from api.graph.replies import RepliesMutation, RepliesQuery
from api.graph.reports import ReportsMutation
from api.graph.routing import RoutingQuery
from api.graph.tracking import TrackingMutation, TrackingQuery
from api.registry import registry_of
from api.scalars import SCALARS


@strawberry.type(description="Everything that can be read.")
class Query(
    PeopleQuery, AreasQuery, PlacesQuery, RoutingQuery, CasesQuery, TrackingQuery, FieldQuery, RepliesQuery,
    ConnectorsQuery, DeliveriesQuery,
    EndpointsQuery, DispatchQuery, BulkQuery, InsightsQuery, DuplicatesQuery,
):  # fmt: skip
    """Reads."""


@strawberry.type(description="Everything that can be changed; each mutation is one transaction.")
class Mutation(
    PeopleMutation, ReportsMutation, TrackingMutation, FieldMutation, RepliesMutation, AlertsMutation, CasesMutation,
    ConnectorsMutation, DeliveriesMutation, EndpointsMutation,
    DispatchMutation, BulkMutation, InsightsMutation,
):  # fmt: skip
    """Changes."""


@strawberry.type(description="Everything that can be watched.")
class Subscription(LiveSubscription):
    """Feeds."""


@cache
def schema(*, development: bool = False) -> Schema:
    """Build the schema; introspection and suggestions are for development. Raises UnplannableError."""
    documents = Documents(introspection=development)
    made = Schema(
        Query,
        Mutation,
        Subscription,
        extensions=[lambda: ReadOnce(documents)],
        execution_context_class=ReadyExecutor,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not development),
    )
    registry_of(made._schema)
    return made


def sdl() -> str:
    """Print the schema as clients see it."""
    return f"{schema().as_str()}\n"
