"""The matter catalogue, who has which duty where, and the receipt every assignment leaves."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.base import id_column, instant, metadata, one_of, text_column

UNITS = ("urgent_hour", "work_hour", "work_day", "urgent_day")

matters = Table(
    "matters",
    metadata,
    id_column(),
    text_column("scheme"),
    text_column("scheme_version"),
    text_column("kind", comment="component: a managed object; event: something happening; alert: raised by devices"),
    text_column("major"),
    text_column("major_name"),
    text_column("minor", comment="text of any width: the national scheme is moving from two digits to three"),
    text_column("name"),
    text_column("name_en", nullable=True),
    Column("enabled", Boolean, nullable=False, server_default="true", comment="classes about people rather than places ship disabled"),
    text_column("basis", comment="where code and name are from"),
    one_of("kind", ("component", "event", "alert")),
    Index("matters_scheme_scheme_version_kind_major_minor_key", "scheme", "scheme_version", "kind", "major", "minor", unique=True),
    comment="What can be wrong: managed components and events, with scheme and version.",
)

filing_conditions = Table(
    "filing_conditions",
    metadata,
    id_column(),
    Column("matter_id", Uuid, ForeignKey("matters.id"), nullable=False),
    Column("ord", Integer, nullable=False),
    text_column("wording"),
    text_column("wording_basis", comment="own_wording: our words, not the city's"),
    Column("limit_amount", Integer, nullable=False),
    text_column("limit_unit"),
    text_column("limit_basis"),
    one_of("limit_unit", UNITS),
    Index("filing_conditions_matter_id_ord_key", "matter_id", "ord", unique=True),
    comment="When a matter is filed and how long its handling may take; the limit belongs to the condition, not to the matter.",
)

duties = Table(
    "duties",
    metadata,
    id_column(),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=False),
    Column("area_id", Uuid, ForeignKey("areas.id"), nullable=False, comment="root of the subtree in which the duty holds"),
    text_column("capacity", comment="owner: owns the thing or the subject; territory: answers for the ground"),
    text_column("kind", nullable=True, comment="component, event, alert; empty = any"),
    text_column("major", nullable=True),
    text_column("minor", nullable=True),
    instant("valid_from"),
    instant("valid_to", nullable=True),
    one_of("capacity", ("owner", "territory")),
    Index("duties_department_id_idx", "department_id"),
    Index("duties_area_id_idx", "area_id"),
    comment="Which department answers for which matters in which area, and in what capacity.",
)

routing_rules = Table(
    "routing_rules",
    metadata,
    id_column(),
    text_column("code"),
    Column("version", Integer, nullable=False),
    text_column("kind", comment="component, event or alert"),
    text_column("first", comment="capacity asked first"),
    text_column("second", nullable=True, comment="capacity asked when the first has nobody"),
    text_column("legal_ref", nullable=True),
    instant("valid_from"),
    instant("valid_to", nullable=True),
    Index("routing_rules_code_version_key", "code", "version", unique=True),
    comment="Order of the capacities asked; the default is components owner first, events territory first.",
)

routing_state = Table(
    "routing_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("version", BigInteger, nullable=False, comment="raised by a trigger on every change of departments, duties, matters, conditions and rules"),
    comment="Version of the routing table, so that processes know when to read it again.",
)

receipts = Table(
    "receipts",
    metadata,
    id_column(),
    text_column("subject_kind"),
    Column("subject_id", Uuid, nullable=False),
    instant("at"),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("accuracy_m", Double, nullable=True),
    text_column("rule_code"),
    Column("rule_version", Integer, nullable=False),
    Column("matter_id", Uuid, ForeignKey("matters.id"), nullable=True),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True),
    text_column("capacity", nullable=True),
    Column("duty_id", Uuid, nullable=True),
    Column("home_version_id", Uuid, ForeignKey("area_versions.id"), nullable=True, comment="version of the owning governance grid; empty when unowned"),
    Column("owners", JSONB, nullable=False, comment="one owner per layer: layer, layer_version, area_id, version_id, code, name"),
    Column("candidates", JSONB, nullable=False, comment="near a border: version, distance in metres, share of the accuracy disc"),
    Column("why", JSONB, nullable=False, comment="ordered reasons, each a code with values"),
    Index("receipts_subject_id_idx", "subject_id", "at"),
    Index("receipts_home_version_id_idx", "home_version_id"),
    one_of("subject_kind", ("report", "alert", "case")),
    comment="Why a thing was assigned as it was; never changed afterwards.",
)
