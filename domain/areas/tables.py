"""Areas: an identity with versions, in layers that carry a version number of their own.

A row of ``area_versions`` is never rewritten in its geometry, name, code or parent: a change closes it (``valid_to``) and opens
the next, so that receipts and cases made yesterday keep pointing at yesterday's boundary.
"""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, BigInteger, Boolean, CheckConstraint, Column, Double, ForeignKey, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.sql import literal_column, text

from domain.base import id_column, instant, metadata, one_of, text_column

LEVELS = ("province", "city", "county", "town", "village", "grid", "unit_grid", "special_grid", "rail_section", "other")
PROMISES = ("partition", "disjoint", "free")

area_layers = Table(
    "area_layers",
    metadata,
    Column("code", Text, primary_key=True),
    text_column("name"),
    text_column("name_en"),
    text_column("promise", comment="partition: no gap and no overlap; disjoint: no overlap; free: anything"),
    Column("version", BigInteger, nullable=False, server_default="0", comment="raised by every change of the layer; indexes older than it reload"),
    Column("routed", Boolean, nullable=False, server_default="true", comment="a receipt names this layer's owner"),
    Column("home", Boolean, nullable=False, server_default="false", comment="the layer whose grid owns the case"),
    Column("ord", Integer, nullable=False, server_default="0"),
    one_of("promise", PROMISES),
    Index("area_layers_home_key", "home", unique=True, postgresql_where=text("home")),
    comment="Layers of areas: the administrative tree, governance grids, unit grids, special grids, rail sections.",
)

areas = Table(
    "areas",
    metadata,
    id_column(),
    Column("layer", Text, ForeignKey("area_layers.code"), nullable=False),
    instant("created_at"),
    Index("areas_layer_idx", "layer"),
    comment="The identity of an area; everything that can change stands in its versions.",
)

area_versions = Table(
    "area_versions",
    metadata,
    id_column(),
    Column("area_id", Uuid, ForeignKey("areas.id"), nullable=False),
    Column("layer", Text, ForeignKey("area_layers.code"), nullable=False),
    text_column("level"),
    text_column("code", comment="national or local code, unique in its layer at any instant"),
    text_column("name"),
    text_column("name_en", nullable=True),
    Column("parent_id", Uuid, ForeignKey("areas.id"), nullable=True),
    Column("path", ARRAY(Uuid), nullable=False, comment="area ids from the root down to this area, itself included"),
    instant("valid_from"),
    instant("valid_to", nullable=True, comment="exclusive; empty while in force"),
    Column("geom", Geometry("MULTIPOLYGON", 4326, spatial_index=False), nullable=False),
    Column("geom_3857", Geometry("MULTIPOLYGON", 3857, spatial_index=False), nullable=False, comment="for tiles; derived from geom"),
    Column("label_point", Geometry("POINT", 3857, spatial_index=False), nullable=False),
    Column("area_m2", Double, nullable=False, comment="geodesic"),
    Column("approximate", Boolean, nullable=False, server_default="false", comment="not a surveyed boundary; shown as approximate"),
    text_column("basis", nullable=True, comment="how the boundary was made"),
    text_column("source", nullable=True, comment="where it is from, with licence"),
    instant("created_at"),
    one_of("level", LEVELS),
    CheckConstraint("valid_to is null or valid_to > valid_from", name="valid_order"),
    ExcludeConstraint(
        (Column("area_id"), "="), (literal_column("tstzrange(valid_from, valid_to)"), "&&"), using="gist", name="area_versions_one_at_a_time"
    ),
    ExcludeConstraint(
        (Column("layer"), "="), (Column("code"), "="), (literal_column("tstzrange(valid_from, valid_to)"), "&&"), using="gist", name="area_versions_one_code_at_a_time"
    ),
    Index("area_versions_geom_idx", "geom", postgresql_using="gist"),
    Index("area_versions_geom_3857_idx", "geom_3857", postgresql_using="gist"),
    Index("area_versions_path_idx", "path", postgresql_using="gin"),
    Index("area_versions_layer_level_idx", "layer", "level", "code"),
    Index("area_versions_area_id_idx", "area_id", "valid_from"),
    Index("area_versions_parent_id_idx", "parent_id"),
    comment="What an area was, from when to when.",
)

area_codes = Table(
    "area_codes",
    metadata,
    id_column(),
    Column("area_id", Uuid, ForeignKey("areas.id"), nullable=False),
    text_column("scheme", comment="GB/T 2260, statistical code, local ..."),
    text_column("code"),
    instant("valid_from", nullable=True),
    instant("valid_to", nullable=True),
    text_column("note", nullable=True),
    Index("area_codes_code_idx", "code"),
    Index("area_codes_area_id_scheme_code_key", "area_id", "scheme", "code", unique=True),
    comment="Other and former codes of an area, so that an old code still finds it.",
)

area_cells = Table(
    "area_cells",
    metadata,
    Column("version_id", Uuid, ForeignKey("area_versions.id", ondelete="CASCADE"), primary_key=True),
    Column("cell", BigInteger, primary_key=True, comment="H3 cell at resolution 10, signed"),
    Column("whole", Boolean, nullable=False, comment="the cell lies surely inside, so no exact test is needed"),
    Index("area_cells_cell_idx", "cell", "version_id", postgresql_include=["whole"]),
    comment="H3 cover of each version: candidates for set re-assignment inside the database.",
)
