"""What devices send: detections, and the alert many of them make together."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.base import DATUMS, id_column, instant, metadata, one_of, text_column

alerts = Table(
    "alerts",
    metadata,
    id_column(),
    text_column("kind", comment="what was seen: person_on_track, large_livestock, falling_object ...: kinds, never identities"),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("cell", BigInteger, nullable=False, comment="H3 cell at resolution 9, signed: finds the open alert near a detection"),
    instant("first_at"),
    instant("last_at"),
    Column("detection_count", Integer, nullable=False),
    Column("confidence", Double, nullable=False, comment="highest of its detections, 0-1"),
    Index("alerts_case_id_idx", "case_id"),
    Index("alerts_kind_cell_last_at_idx", "kind", "cell", "last_at"),
    comment="One incident, seen by one or many detections.",
)

detections = Table(
    "detections",
    metadata,
    id_column(),
    Column("device_id", Uuid, ForeignKey("devices.id"), nullable=True, comment="empty when a person raised the alert"),
    Column("detection_key", Text, nullable=False, comment="the device's own id of this detection; a repeat is the same detection"),
    Column("alert_id", Uuid, ForeignKey("alerts.id"), nullable=False),
    text_column("kind"),
    Column("confidence", Double, nullable=False),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("raw_lon", Double, nullable=False),
    Column("raw_lat", Double, nullable=False),
    text_column("datum"),
    Column("accuracy_m", Double, nullable=True),
    instant("occurred_at"),
    instant("received_at"),
    Column("evidence", JSONB, nullable=True, comment="bounded; no identity field"),
    one_of("datum", DATUMS),
    Index("detections_device_id_detection_key_key", "device_id", "detection_key", unique=True),
    Index("detections_alert_id_idx", "alert_id"),
    Index("detections_received_at_idx", "received_at"),
    comment="What a device saw.",
)
