"""What belongs together: which reports and cases were found, said or decided to be about one thing, and why."""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Index, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from domain.base import id_column, instant, metadata, one_of, text_column
from domain.cases.tables import cases

LINK_KINDS = ("folded", "same_as", "merged", "split")

case_links = Table(
    "case_links",
    metadata,
    id_column(),
    Column(
        "case_id", Uuid, ForeignKey("cases.id"), nullable=False, comment="the case that stands for the thing; of a split, the new case"
    ),
    text_column("kind", comment="folded: joined by itself; same_as: the reporter said so; merged and split: by staff"),
    Column("report_id", Uuid, ForeignKey("reports.id"), nullable=True, comment="the report that joined; empty for merged and split cases"),
    Column(
        "other_case_id", Uuid, ForeignKey("cases.id"), nullable=True, comment="the case merged into case_id, or the one it was split off"
    ),
    Column("score", Double, nullable=True, comment="likeness when it was linked, 0-1"),
    Column("features", JSONB, nullable=False, comment="what was compared: distances, seconds, shares, bits; no text of a reporter"),
    Column("actor_id", Uuid, ForeignKey("users.id"), nullable=True, comment="empty: the system or the reporter"),
    instant("at"),
    instant("undone_at", nullable=True, comment="since when it no longer holds"),
    Column("undone_by", Uuid, ForeignKey("users.id"), nullable=True),
    one_of("kind", LINK_KINDS),
    Index("case_links_case_id_idx", "case_id", "at"),
    Index("case_links_report_id_key", "report_id", unique=True, postgresql_where=text("report_id is not null and undone_at is null")),
    Index("case_links_merged_key", "other_case_id", unique=True, postgresql_where=text("kind = 'merged' and undone_at is null")),
    comment="Reports and cases found to be about the same thing; rows are ended, never removed.",
)

# Finds the open cases of a matter around a point without walking the closed ones.
Index("cases_open_cell_idx", cases.c.cell, cases.c.matter_id, postgresql_where=text("closed_at is null"))
