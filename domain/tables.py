"""All tables together, for the migration drift check: importing this file fills ``domain.base.metadata``."""

from domain import events
from domain.alerts import tables as alerts
from domain.areas import tables as areas
from domain.base import metadata
from domain.cases import calendar_tables as calendar
from domain.cases import link_tables as links
from domain.cases import tables as cases
from domain.connectors import tables as connectors
from domain.deliveries import tables as deliveries
from domain.devices import tables as devices
from domain.dispatch import tables as dispatch
from domain.field import tables as field
from domain.insights import tables as insights
from domain.people import tables as people
from domain.places import tables as places
from domain.rail import tables as rail
from domain.replies import tables as replies
from domain.reports import tables as reports
from domain.routing import tables as routing

__all__ = ["alerts", "areas", "calendar", "cases", "connectors", "deliveries", "devices", "dispatch", "events", "field", "insights", "links", "metadata", "people", "places", "rail", "replies", "reports", "routing"]
