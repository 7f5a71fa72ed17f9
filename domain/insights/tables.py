"""Figures: their definitions, and the cases as columns, packed by day, that they are counted from."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, DateTime, Identity, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from domain.base import id_column, metadata, one_of, text_column
from domain.insights.facts import ANCHORS, MEASURES

STATISTICS = ("count", "share", "median", "p90")

figure_definitions = Table(
    "figure_definitions",
    metadata,
    id_column(),
    text_column("code"),
    Column("version", Integer, nullable=False),
    text_column("name"),
    text_column("name_en"),
    text_column("statistic", comment="count: cases of the numerator; share: numerator by denominator; median and p90: of the measure"),
    text_column("anchor", comment="the instant of a case that decides in which period it is counted"),
    Column("numerator", JSONB, nullable=False, comment="condition over named facts (domain/insights/conditions.py)"),
    Column("denominator", JSONB, nullable=True, comment="condition over named facts; shares have one"),
    Column("filter", JSONB, nullable=True, comment="condition that holds for both"),
    text_column("measure", nullable=True, comment="what a median or p90 is taken of, in seconds"),
    text_column("unit", comment="cases, percent or minutes"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=True, comment="exclusive; empty while in force"),
    text_column("basis", comment="why it is counted this way, or whose definition it is"),
    Column("ord", Integer, nullable=False, server_default="100"),
    one_of("statistic", STATISTICS),
    one_of("anchor", tuple(ANCHORS)),
    one_of("measure", tuple(MEASURES)),
    one_of("unit", ("cases", "percent", "minutes")),
    Index("figure_definitions_code_version_key", "code", "version", unique=True),
    Index("figure_definitions_in_force_key", "code", unique=True, postgresql_where=text("valid_to is null")),
    comment="What a figure counts, by version; a version that has counted is never rewritten.",
)

figure_blocks = Table(
    "figure_blocks",
    metadata,
    Column("anchor", Text, primary_key=True),
    Column("day", Date, primary_key=True, comment="local day of the anchor"),
    Column("mark", Uuid, nullable=False, comment="another one after every change: what a copy in memory is known by"),
    text_column("layout", comment="facts and zone the columns were made with; another one is made again"),
    Column("stale", Boolean, nullable=False, comment="must be made from the cases before it is used"),
    Column("cases", Integer, nullable=False),
    Column("ids", LargeBinary, nullable=False, comment="16 bytes a case"),
    Column("moments", LargeBinary, nullable=False, comment="the anchor, microseconds since 1970, 8 bytes a case"),
    Column(
        "columns", LargeBinary, nullable=False, comment="place, unit, kind, facts and measures, one column after the other, 4 bytes a case"
    ),
    Index("figure_blocks_stale_idx", "day", postgresql_where=text("stale")),
    comment="Cases as packed columns, by anchor and day: what figures are counted from.",
)

figure_changes = Table(
    "figure_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column(
        "before",
        ARRAY(DateTime(timezone=True)),
        nullable=True,
        comment="the case's anchors before the change, in order; empty for a new case",
    ),
    comment="Cases changed since they were last packed; written by a trigger, taken by the worker.",
)

figure_places = Table(
    "figure_places",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("area_ids", ARRAY(Uuid), nullable=False),
    Index("figure_places_area_ids_key", "area_ids", unique=True),
    comment="Numbers for the sets of areas that cases lie in.",
)

figure_units = Table(
    "figure_units",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    text_column("key", comment="the three others as text"),
    Column("department_id", Uuid, nullable=True),
    Column("about_department_id", Uuid, nullable=True),
    Column("party_ids", ARRAY(Uuid), nullable=False),
    Index("figure_units_key_key", "key", unique=True),
    comment="Numbers for who has a case, whom it is about and who has a part in it.",
)

figure_kinds = Table(
    "figure_kinds",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    text_column("key", comment="the two others as text"),
    Column("matter_id", Uuid, nullable=True),
    text_column("source", comment="of the first report, or alert"),
    Index("figure_kinds_key_key", "key", unique=True),
    comment="Numbers for what cases are about and where they come from.",
)
