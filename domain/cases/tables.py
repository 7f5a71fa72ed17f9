"""Cases: whatever somebody must act on, with one life-cycle, one clock and a log of every step."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, ForeignKey, Index, Integer, Sequence, Table, Uuid
from sqlalchemy.sql import text

from domain.base import id_column, instant, metadata, one_of, text_column
from domain.cases.lifecycle import STATES

case_numbers = Sequence("case_numbers", metadata=metadata)

cases = Table(
    "cases",
    metadata,
    id_column(),
    text_column("number", comment="for people: date and sequence; says nothing secret"),
    text_column("origin", comment="report or alert"),
    text_column("state"),
    text_column("title", comment="name of the matter or the alert; no words of the reporter"),
    Column("matter_id", Uuid, ForeignKey("matters.id"), nullable=True),
    Column("condition_id", Uuid, ForeignKey("filing_conditions.id"), nullable=True, comment="filing condition that sets the clock"),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("position_3857", Geometry("POINT", 3857, spatial_index=False), nullable=False, comment="for tiles; derived from position"),
    Column("cell", BigInteger, nullable=False, comment="H3 cell at resolution 10, signed"),
    Column("home_area_id", Uuid, ForeignKey("areas.id"), nullable=True, comment="owning governance grid; empty when unowned"),
    Column("home_version_id", Uuid, ForeignKey("area_versions.id"), nullable=True),
    Column("area_ids", ARRAY(Uuid), nullable=False, comment="every area it lies in, over all layers and levels, as valid when assigned: what scope is checked against"),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True),
    Column("receipt_id", Uuid, ForeignKey("receipts.id"), nullable=False, comment="latest receipt"),
    instant("opened_at"),
    instant("due_at", nullable=True, comment="from the filing condition and the calendar named in due_basis"),
    text_column("due_basis", nullable=True, comment="amount, unit and calendar version the deadline was computed with"),
    instant("overdue_at", nullable=True, comment="the due instant, once the worker has announced that it passed"),
    instant("closed_at", nullable=True),
    instant("updated_at"),
    Column("revision", Integer, nullable=False, server_default="1", comment="raised by every change; a caller's stale revision is a conflict"),
    Column("synthetic", Boolean, nullable=False, server_default="false", comment="part of the demo history"),
    one_of("origin", ("report", "alert")),
    one_of("state", STATES),
    Index("cases_number_key", "number", unique=True),
    Index("cases_area_ids_idx", "area_ids", postgresql_using="gin"),
    Index("cases_department_id_idx", "department_id", "opened_at"),
    Index("cases_opened_at_idx", "opened_at", "id"),
    Index("cases_position_3857_idx", "position_3857", postgresql_using="gist"),
    Index("cases_position_idx", "position", postgresql_using="gist"),
    Index("cases_home_area_id_idx", "home_area_id"),
    Index("cases_open_idx", "state", "opened_at", postgresql_where=text("closed_at is null")),
    Index("cases_due_at_idx", "due_at", postgresql_where=text("overdue_at is null and closed_at is null and due_at is not null")),
    comment="Whatever somebody must act on.",
)

case_transitions = Table(
    "case_transitions",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    instant("at"),
    text_column("verb"),
    text_column("from_state", nullable=True),
    text_column("to_state"),
    Column("actor_id", Uuid, ForeignKey("users.id"), nullable=True, comment="empty: the system"),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True, comment="department after the step"),
    text_column("reason", nullable=True),
    Index("case_transitions_case_id_idx", "case_id", "at"),
    comment="Every step of every case; append-only.",
)
