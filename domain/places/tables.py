"""Named places: what people say instead of coordinates."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, Column, Double, Index, Table, Text

from domain.base import id_column, instant, metadata, text_column

places = Table(
    "places",
    metadata,
    id_column(),
    text_column("kind", comment="station, village, road, address, institution ...: an open list"),
    text_column("name"),
    text_column("name_en", nullable=True),
    Column("aliases", ARRAY(Text), nullable=False, server_default="{}"),
    text_column("code", nullable=True),
    text_column("search_key", comment="names and aliases, folded to one form"),
    Column(
        "bigrams",
        ARRAY(Text),
        nullable=False,
        comment="every two neighbouring characters of search_key; two-character words are found through the index",
    ),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("precision_m", Double, nullable=False, comment="how far the real place may be from the position"),
    text_column("source", comment="the gazetteer it came from; an import replaces its own source"),
    text_column("source_key", comment="the place's key in its source"),
    instant("created_at"),
    Index("places_bigrams_idx", "bigrams", postgresql_using="gin"),
    Index("places_position_idx", "position", postgresql_using="gist"),
    Index("places_source_source_key_key", "source", "source_key", unique=True),
    comment="Gazetteer: named places with position and precision.",
)
