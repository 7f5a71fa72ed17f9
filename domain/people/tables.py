"""Departments, the areas they serve, users, what users may do, and their sign-in families."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, Table, Uuid

from domain.base import id_column, instant, metadata, one_of, text_column
from domain.people.roles import ROLE_NAMES

departments = Table(
    "departments",
    metadata,
    id_column(),
    text_column("code"),
    text_column("name"),
    text_column("name_en", nullable=True),
    text_column("kind", comment="government: a public body; external: a property company or other organisation, which sees only its own cases"),
    Column("parent_id", Uuid, ForeignKey("departments.id"), nullable=True),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("serves_grids", Boolean, nullable=False, server_default="false", comment="its people are grid workers: only admitted matters may be sent to it"),
    instant("created_at"),
    one_of("kind", ("government", "external")),
    Index("departments_code_key", "code", unique=True),
    comment="Bodies that own duties: government departments, towns, and external organisations.",
)

users = Table(
    "users",
    metadata,
    id_column(),
    text_column("username"),
    text_column("display_name"),
    text_column("password_hash", comment="argon2id, encoded"),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("is_demo", Boolean, nullable=False, server_default="false", comment="made by the demo loader; a public host is refused while one exists"),
    instant("created_at"),
    Index("users_username_key", "username", unique=True),
    comment="Staff who sign in. No phone numbers here: contact data lives in contacts alone.",
)

user_roles = Table(
    "user_roles",
    metadata,
    id_column(),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    text_column("role"),
    Column("area_id", Uuid, ForeignKey("areas.id"), nullable=True, comment="root of the subtree in which the role holds"),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True, comment="department for which the role holds"),
    one_of("role", ROLE_NAMES),
    Index("user_roles_user_id_idx", "user_id"),
    comment="What a user may do and where: a role over an area subtree, a department, or (both empty) the whole city.",
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    id_column(),
    Column("family_id", Uuid, nullable=False, comment="one sign-in; re-use of a spent token revokes the family"),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, comment="SHA-256 of the token; the token itself is never stored"),
    instant("created_at"),
    instant("expires_at"),
    instant("spent_at", nullable=True),
    instant("revoked_at", nullable=True),
    Index("refresh_tokens_token_hash_key", "token_hash", unique=True),
    Index("refresh_tokens_family_id_idx", "family_id"),
    Index("refresh_tokens_user_id_idx", "user_id"),
    comment="Refresh tokens, one row a token, grouped in families.",
)
