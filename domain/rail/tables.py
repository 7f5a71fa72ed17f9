"""Railway lines as they are drawn on the map; chainage and zones come with later work."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import Boolean, Column, Index, Table

from domain.base import id_column, instant, metadata, one_of, text_column

rail_lines = Table(
    "rail_lines",
    metadata,
    id_column(),
    text_column("code"),
    text_column("name"),
    text_column("kind"),
    Column("geom", Geometry("LINESTRING", 4326, spatial_index=False), nullable=False),
    Column("geom_3857", Geometry("LINESTRING", 3857, spatial_index=False), nullable=False, comment="for tiles; derived from geom"),
    Column("approximate", Boolean, nullable=False, comment="not the surveyed alignment; shown as approximate"),
    text_column("source", comment="where it is from, with licence"),
    instant("created_at"),
    one_of("kind", ("high_speed", "conventional", "heavy_haul", "branch")),
    Index("rail_lines_code_key", "code", unique=True),
    Index("rail_lines_geom_3857_idx", "geom_3857", postgresql_using="gist"),
    comment="Railway lines.",
)
