"""Replies: messages with reporters, the templates they are made from, ratings, and what of a report may be shown to all."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, Uuid
from sqlalchemy.sql import text

from domain.base import id_column, instant, metadata, one_of, text_column

# The first three go out to the reporter, the others come in.
MESSAGE_KINDS = ("auto_reply", "question", "reply", "answer", "withdrawal", "reopening")
TEMPLATE_KINDS = ("auto_reply", "question", "reply")
SATISFACTIONS = ("satisfied", "fair", "dissatisfied")

reply_templates = Table(
    "reply_templates",
    metadata,
    Column("code", Text, primary_key=True),
    text_column("kind"),
    text_column("name", comment="for whoever chooses it"),
    text_column("text_zh", comment="may name {number}, {matter}, {area}, {department} and {due}"),
    text_column("text_en", comment="the same in English"),
    Column("enabled", Boolean, nullable=False, server_default="true"),
    instant("updated_at"),
    Column("updated_by", Uuid, ForeignKey("users.id"), nullable=True, comment="empty: shipped with the product"),
    one_of("kind", TEMPLATE_KINDS),
    comment="Texts for reporters, in both languages.",
)

case_messages = Table(
    "case_messages",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("report_id", Uuid, ForeignKey("reports.id"), nullable=True, comment="whose; empty: to every reporter of the case"),
    text_column("kind"),
    text_column("text", comment="as typed, or the Chinese text of a template"),
    text_column("text_en", nullable=True, comment="the English text of a template"),
    text_column("template_code", nullable=True),
    Column("author_id", Uuid, ForeignKey("users.id"), nullable=True, comment="member of staff; empty for the system and the reporter"),
    instant("at"),
    Column("submission_id", Uuid, nullable=True, comment="made by the client; a retry carries the same one"),
    one_of("kind", MESSAGE_KINDS),
    Index("case_messages_case_id_idx", "case_id", "at"),
    Index("case_messages_report_id_idx", "report_id", postgresql_where=text("report_id is not null")),
    Index("case_messages_submission_id_key", "submission_id", unique=True, postgresql_where=text("submission_id is not null")),
    comment="What was said between the city and the reporters of a case.",
)

case_ratings = Table(
    "case_ratings",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("report_id", Uuid, ForeignKey("reports.id"), nullable=False),
    Column("round", Integer, nullable=False, comment="how often the case had been redone or reopened: each result is rated anew"),
    text_column("satisfaction"),
    text_column("words", nullable=True),
    instant("at"),
    Column("submission_id", Uuid, nullable=False, comment="made by the client; a retry carries the same one"),
    one_of("satisfaction", SATISFACTIONS),
    Index("case_ratings_case_id_idx", "case_id", "at"),
    Index("case_ratings_report_id_case_id_round_key", "report_id", "case_id", "round", unique=True),
    Index("case_ratings_submission_id_key", "submission_id", unique=True),
    comment="How content each reporter was with each result.",
)

report_publications = Table(
    "report_publications",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id"), primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    text_column("public_text", comment="written by staff for everybody; never the reporter's own words unseen"),
    Column("moderated_by", Uuid, ForeignKey("users.id"), nullable=False),
    instant("moderated_at"),
    Index("report_publications_case_id_idx", "case_id"),
    comment="What of a report may be shown on the public map.",
)
