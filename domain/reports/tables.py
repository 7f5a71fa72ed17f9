"""What people send: reports, their photos, and (apart) how to reach the reporter."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, LargeBinary, Table, Uuid
from sqlalchemy.sql import text

from domain.base import DATUMS, id_column, instant, metadata, one_of, text_column

SOURCES = ("citizen", "hotline", "staff", "police110", "qr")
FROM_THE_PUBLIC = ("citizen", "qr", "hotline", "police110")

submissions = Table(
    "submissions",
    metadata,
    Column("submission_id", Uuid, primary_key=True, comment="made by the client; a retry carries the same one"),
    text_column("kind"),
    Column("result_id", Uuid, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the submitted content: the same id with other content is a conflict"),
    instant("created_at"),
    one_of("kind", ("report", "alert")),
    comment="Client-made ids already taken in, so that a retry is the same submission.",
)

reports = Table(
    "reports",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    text_column("source"),
    Column("matter_id", Uuid, ForeignKey("matters.id"), nullable=True),
    text_column("description"),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("raw_lon", Double, nullable=False),
    Column("raw_lat", Double, nullable=False),
    text_column("datum", comment="datum of raw_lon, raw_lat as declared by the sender"),
    Column("accuracy_m", Double, nullable=True, comment="radius the sender's receiver claims"),
    instant("occurred_at", comment="the sender's clock"),
    instant("received_at"),
    Column("submitted_by", Uuid, ForeignKey("users.id"), nullable=True, comment="staff member; empty for the public"),
    Column("tracking_hash", LargeBinary, nullable=False, comment="SHA-256 of the tracking code given to the reporter"),
    one_of("source", SOURCES),
    one_of("datum", DATUMS),
    Index("reports_case_id_idx", "case_id"),
    Index("reports_tracking_hash_key", "tracking_hash", unique=True),
    Index("reports_received_at_idx", "received_at"),
    comment="What somebody reported, as received.",
)

contacts = Table(
    "contacts",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    text_column("name", nullable=True),
    text_column("phone", nullable=True),
    instant("created_at"),
    comment="How to reach a reporter: the only table that holds contact data.",
)

photos = Table(
    "photos",
    metadata,
    id_column(),
    Column("report_id", Uuid, ForeignKey("reports.id"), nullable=True, comment="the report that claimed it; photos nothing claims are swept"),
    Column("note_id", Uuid, ForeignKey("case_notes.id"), nullable=True, comment="the field note that claimed it"),
    text_column("role", nullable=True, comment="of a field photo: before or after the work"),
    instant("released_at", nullable=True, comment="since when the reporters of the case may see it"),
    Column("released_by", Uuid, ForeignKey("users.id"), nullable=True),
    text_column("media_key", comment="name in the media store: SHA-256 of the stored bytes"),
    Column("claim_hash", LargeBinary, nullable=False, comment="SHA-256 of the token that lets a report claim this photo"),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
    instant("taken_at", nullable=True, comment="from the original's EXIF, before it was removed"),
    Column("likeness", BigInteger, nullable=True, comment="64-bit difference hash of the picture, signed; like pictures differ in few bits"),
    instant("created_at"),
    Index("photos_report_id_idx", "report_id"),
    Index("photos_claim_hash_key", "claim_hash", unique=True),
    Index("photos_media_key_idx", "media_key"),
    Index("photos_note_id_idx", "note_id", postgresql_where=text("note_id is not null")),
    one_of("role", ("before", "after")),
    comment="Photos, re-encoded without EXIF.",
)
