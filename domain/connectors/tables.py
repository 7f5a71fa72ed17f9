"""Who may use the doors for systems, what came through them, and what was handed to others."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, Double, ForeignKey, Index, Integer, LargeBinary, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from domain.base import DATUMS, id_column, instant, metadata, one_of, text_column

DOORS = ("open311", "handover")
CLIENT_SOURCES = ("citizen", "hotline", "police110")
DIVERSION_STATES = ("needs_place", "accepted", "returned")
UPWARD_STATES = ("queued", "sent", "refused")
FORMATS = ("json", "xml")

connector_clients = Table(
    "connector_clients",
    metadata,
    id_column(),
    text_column("code"),
    text_column("name"),
    text_column("door", comment="the one door its key opens"),
    text_column("source", comment="source of the reports that come through it"),
    Column("key_hash", LargeBinary, nullable=False, comment="SHA-256 of the key; the key is random, so no slow hash is needed"),
    Column("active", Boolean, nullable=False, server_default="true"),
    instant("created_at"),
    one_of("door", DOORS),
    one_of("source", CLIENT_SOURCES),
    Index("connector_clients_code_key", "code", unique=True),
    Index("connector_clients_key_hash_key", "key_hash", unique=True),
    comment="Other systems that may hand things to us, each with a key of its own.",
)

open311_posts = Table(
    "open311_posts",
    metadata,
    id_column(),
    Column("client_id", Uuid, ForeignKey("connector_clients.id"), nullable=False),
    Column("resend_hash", LargeBinary, nullable=False, comment="SHA-256 of the Idempotency-Key, or of the content where none was sent"),
    Column("content_hash", LargeBinary, nullable=False, comment="SHA-256 of the content: one key cannot stand for two requests"),
    Column("report_id", Uuid, ForeignKey("reports.id"), nullable=True),
    Column("diversion_id", Uuid, ForeignKey("diversions.id"), nullable=True, comment="waits for a place; the token stands for it meanwhile"),
    text_column("media_url", nullable=True, comment="as sent; never fetched"),
    instant("at"),
    CheckConstraint("(report_id is null) <> (diversion_id is null)", name="one_result"),
    Index("open311_posts_resend_idx", "client_id", "resend_hash", "at"),
    Index("open311_posts_report_id_idx", "report_id"),
    comment="Requests taken in through Open311: what makes a resend the same request. The id is the token.",
)

diversions = Table(
    "diversions",
    metadata,
    id_column(),
    Column("client_id", Uuid, ForeignKey("connector_clients.id"), nullable=False),
    text_column("external_number", comment="the sender's own number; with the sender it names the hand-over"),
    text_column("diverted_from", comment="12345, 110 or another line the call came in on"),
    instant("handover_at", comment="when the sender handed it over, by the sender's clock; the clock of the case counts from here"),
    instant("received_at"),
    Column("content_hash", LargeBinary, nullable=False, comment="SHA-256 of the content: one number cannot stand for two hand-overs"),
    text_column("state"),
    Column("matter_id", Uuid, ForeignKey("matters.id"), nullable=True),
    text_column("description"),
    text_column("address_text", nullable=True),
    Column("candidates", JSONB, nullable=False, comment="places the address may mean, best first, with confidence and precision"),
    Column("area_ids", ARRAY(Uuid), nullable=False, comment="areas of every candidate: who may see it while it waits; the case's own once placed"),
    Column("sealed_contact", LargeBinary, nullable=True, comment="how to reach the caller, encrypted, until a report exists whose contact it becomes; then empty"),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=True, comment="empty until somebody or the search is sure of it"),
    Column("accuracy_m", Double, nullable=True),
    text_column("datum", nullable=True, comment="datum the sender declared, where the sender gave a position"),
    text_column("place_name", nullable=True, comment="what was taken for the place"),
    Column("place_confidence", Double, nullable=True, comment="0-1; empty where a person chose"),
    Column("placed_by", Uuid, ForeignKey("users.id"), nullable=True, comment="who chose the place; empty: the search or the sender"),
    instant("accepted_at", nullable=True, comment="when the case was opened"),
    Column("report_id", Uuid, ForeignKey("reports.id"), nullable=True),
    instant("returned_at", nullable=True),
    text_column("returned_reason", nullable=True),
    Column("returned_by", Uuid, ForeignKey("users.id"), nullable=True),
    one_of("state", DIVERSION_STATES),
    one_of("datum", DATUMS),
    CheckConstraint("state <> 'accepted' or (report_id is not null and position is not null and accepted_at is not null)", name="accepted"),
    CheckConstraint("state <> 'returned' or (returned_reason is not null and returned_at is not null)", name="returned"),
    Index("diversions_client_id_external_number_key", "client_id", "external_number", unique=True),
    Index("diversions_waiting_idx", "received_at", "id", postgresql_where=text("state = 'needs_place'")),
    Index("diversions_report_id_idx", "report_id"),
    comment="Hand-overs of hotlines and of 110: accepted as a case, waiting for a place, or returned with a reason.",
)

connector_targets = Table(
    "connector_targets",
    metadata,
    id_column(),
    text_column("code"),
    text_column("name"),
    text_column("base_url", comment="of an Open311 GeoReport v2 server, without a slash at its end"),
    text_column("format"),
    text_column("jurisdiction_id", nullable=True),
    Column("sealed_key", LargeBinary, nullable=True, comment="the api_key we were given there, encrypted"),
    Column("service_codes", JSONB, nullable=False, server_default="{}", comment="our service code to theirs; * stands for every other"),
    Column("active", Boolean, nullable=False, server_default="true"),
    instant("created_at"),
    one_of("format", FORMATS),
    Index("connector_targets_code_key", "code", unique=True),
    comment="Other platforms that cases are handed up to.",
)

upward_reports = Table(
    "upward_reports",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("target_id", Uuid, ForeignKey("connector_targets.id"), nullable=False),
    text_column("state"),
    instant("queued_at"),
    Column("queued_by", Uuid, ForeignKey("users.id"), nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    text_column("last_error", nullable=True, comment="why the latest attempt failed"),
    instant("sent_at", nullable=True),
    text_column("token", nullable=True, comment="given instead of a number by a platform that numbers later"),
    text_column("external_id", nullable=True, comment="the case's number there"),
    text_column("external_status", nullable=True, comment="open or closed, as last heard"),
    text_column("external_notes", nullable=True),
    instant("external_at", nullable=True, comment="when it changed there"),
    instant("asked_at", nullable=True, comment="when we last asked"),
    one_of("state", UPWARD_STATES),
    Index("upward_reports_case_id_target_id_key", "case_id", "target_id", unique=True),
    Index("upward_reports_ask_idx", "asked_at", postgresql_where=text("state = 'sent' and external_status is distinct from 'closed'")),
    comment="Cases handed up to another platform, and what became of them there.",
)

imports = Table(
    "imports",
    metadata,
    id_column(),
    text_column("file_name"),
    Column("file_hash", LargeBinary, nullable=False, comment="SHA-256 of the file"),
    text_column("source"),
    Column("dry_run", Boolean, nullable=False),
    Column("rows_total", Integer, nullable=False),
    Column("rows_done", Integer, nullable=False, server_default="0"),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("repeated", Integer, nullable=False, server_default="0"),
    Column("refused", Integer, nullable=False, server_default="0"),
    Column("problems", JSONB, nullable=False, server_default="[]", comment="row, column, code and words; the first 1000"),
    Column("started_by", Uuid, ForeignKey("users.id"), nullable=True, comment="empty: the command line"),
    instant("started_at"),
    instant("finished_at", nullable=True),
    Index("imports_started_at_idx", "started_at"),
    comment="Lists of reports brought in from files, with their progress.",
)

workorder_prints = Table(
    "workorder_prints",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("with_contact", Boolean, nullable=False, comment="whether it showed how to reach the reporter"),
    instant("at"),
    Index("workorder_prints_case_id_idx", "case_id", "at"),
    comment="Who took a work order off the system, and when; append-only.",
)
