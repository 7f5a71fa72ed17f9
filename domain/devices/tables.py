"""What senses: just enough to know who is speaking and where it stands."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import Boolean, Column, Index, LargeBinary, Table

from domain.base import id_column, instant, metadata, text_column

devices = Table(
    "devices",
    metadata,
    id_column(),
    text_column("code"),
    text_column("kind", comment="camera, radar, vibration ...: an open list"),
    text_column("name"),
    Column("key_hash", LargeBinary, nullable=False, comment="SHA-256 of the device key; the key is random, so no slow hash is needed"),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("is_demo", Boolean, nullable=False, server_default="false"),
    instant("created_at"),
    Index("devices_code_key", "code", unique=True),
    Index("devices_key_hash_key", "key_hash", unique=True),
    Index("devices_position_idx", "position", postgresql_using="gist"),
    comment="Registered devices that may send detections.",
)
