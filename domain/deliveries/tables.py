"""Deliveries: where somebody is reached, what they are told, every attempt at it, and the gateways it goes through."""

from __future__ import annotations

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from domain.base import id_column, instant, metadata, one_of, text_column
from domain.deliveries.channels import GATEWAYS, KINDS

STATES = ("pending", "sending", "sent", "read", "failed", "dead", "discarded")
OUTCOMES = ("accepted", "later", "limited", "refused", "lost")

endpoints = Table(
    "endpoints",
    metadata,
    id_column(),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True, comment="owner: a department or duty post; both owners empty: the whole city, for webhooks only"),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=True, comment="owner: a member of staff"),
    text_column("kind"),
    text_column("label", comment="for people: group duty, night phone ...; no contact data"),
    Column("sealed", LargeBinary, nullable=False, comment="address and secret, sealed with a key made from the installation's secret, bound to this row's id"),
    Column("digest", LargeBinary, nullable=False, comment="keyed digest of kind, owner and address: the same address is not saved twice"),
    text_column("hint", comment="enough of the address to recognise it, too little to use it"),
    text_column("language", comment="of what is sent there"),
    Column("event_kinds", ARRAY(Text), nullable=True, comment="webhooks: which events; empty: all"),
    Column("ord", Integer, nullable=False, server_default="0", comment="order of trying among addresses of one owner and kind"),
    Column("active", Boolean, nullable=False, server_default="true"),
    instant("resting_until", nullable=True, comment="nothing is sent before: the receiver limits us or did not answer"),
    Column("failures", Integer, nullable=False, server_default="0", comment="failures in a row; each lengthens the rest"),
    instant("last_ok_at", nullable=True),
    instant("created_at"),
    one_of("kind", KINDS),
    one_of("language", ("zh", "en")),
    CheckConstraint("num_nonnulls(department_id, user_id) <= 1 and (kind = 'webhook' or num_nonnulls(department_id, user_id) = 1)", name="owner"),
    Index("endpoints_department_id_idx", "department_id", postgresql_where=text("active")),
    Index("endpoints_user_id_idx", "user_id"),
    Index("endpoints_digest_key", "digest", unique=True),
    comment="Where a department, a duty post, a person or another system is reached. No address stands here in clear.",
)

gateways = Table(
    "gateways",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False, comment="address, account and secret, sealed like those of endpoints"),
    text_column("hint", comment="host and account, for people"),
    Column("active", Boolean, nullable=False, server_default="true"),
    instant("updated_at"),
    one_of("kind", GATEWAYS),
    comment="What text messages and e-mail go through.",
)

deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    instant("created_at"),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=True, comment="empty for test messages"),
    Column("event_id", Uuid, nullable=True, comment="the event that caused it"),
    text_column("event_kind"),
    text_column("template"),
    Column("facts", JSONB, nullable=False, comment="what the template says: number, matter, grid, deadline; no contact data, nothing of the reporter"),
    text_column("channel"),
    Column("endpoint_id", Uuid, ForeignKey("endpoints.id", ondelete="SET NULL"), nullable=True, comment="empty for reporters, whose number is looked up when it is sent"),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True, comment="whom it is about waking: the ladder begins here"),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=True, comment="the person to be woken first, where one was named"),
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), nullable=True, comment="the reporter of this report is told"),
    Column("above", Integer, nullable=False, server_default="0", comment="the ladder begins so many levels above department_id, or at the highest there is"),
    Column("except_department_id", Uuid, nullable=True, comment="never told, on no rung: whom the complaint is about"),
    Column("ladder_id", Uuid, nullable=False, comment="id of the ladder's first delivery"),
    Column("rung", Integer, nullable=False, server_default="0", comment="0 for the first; each next channel, person or level is one more"),
    Column("level", Integer, nullable=False, server_default="0", comment="how many departments above department_id is told on this rung"),
    Column("channels", ARRAY(Text), nullable=False, comment="channels of the ladder in order of trying; empty: there is no further rung"),
    Column("waits_s", ARRAY(Integer), nullable=True, comment="seconds unread before the next channel, person, level; empty: only a failure climbs"),
    text_column("rung_kind", comment="what this rung is against the one before"),
    instant("climb_at", nullable=True, comment="the next rung is told if this one has not been read by then; empty once climbed, settled or at the top"),
    text_column("state"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_attempt", Integer, nullable=False, comment="the attempt after which it is given up"),
    instant("next_at", comment="not sent before"),
    instant("lease_until", nullable=True, comment="while sending: whoever finds it passed may send again"),
    Column("lease_id", Uuid, nullable=True, comment="who is sending"),
    instant("sent_at", nullable=True),
    instant("read_at", nullable=True),
    Column("read_by", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    text_column("receipt", nullable=True, comment="what the receiver answered it is kept under"),
    text_column("last_error", nullable=True, comment="why the last attempt failed or it was discarded; no address, no secret"),
    one_of("channel", KINDS),
    one_of("state", STATES),
    one_of("rung_kind", ("first", "channel", "person", "level")),
    Index("deliveries_pending_idx", "endpoint_id", "next_at", postgresql_where=text("state = 'pending'")),
    Index("deliveries_sending_idx", "lease_until", postgresql_where=text("state = 'sending'")),
    Index("deliveries_climb_at_idx", "climb_at", postgresql_where=text("climb_at is not null")),
    Index("deliveries_case_id_idx", "case_id", "created_at"),
    Index("deliveries_ladder_id_idx", "ladder_id", "rung"),
    Index("deliveries_endpoint_id_idx", "endpoint_id", "created_at"),
    Index("deliveries_state_idx", "state", "created_at", postgresql_where=text("state in ('pending', 'sending', 'failed', 'dead')")),
    Index("deliveries_created_at_idx", "created_at", "id"),
    comment="Messages to be sent, written in the transaction of what caused them.",
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    id_column(),
    Column("delivery_id", Uuid, ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    instant("at"),
    text_column("outcome", comment="lost: the sender was killed before it could say"),
    text_column("detail", nullable=True, comment="receipt or reason; no address, no secret"),
    Column("took_ms", Integer, nullable=True),
    one_of("outcome", OUTCOMES),
    Index("delivery_attempts_delivery_id_idx", "delivery_id", "at"),
    comment="Every attempt to send; rows are never changed.",
)
