"""Field work: what was done at the spot, which actions of which phone were taken in, and who looked at which photo."""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Index, LargeBinary, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.base import id_column, instant, metadata, one_of, text_column

ACTION_KINDS = ("arrive", "note", "photo", "step")
NOTE_KINDS = ("note", "photos", "conflict")
VERDICTS = ("inside", "outside", "uncertain")
PHOTO_ROLES = ("before", "after")

field_actions = Table(
    "field_actions",
    metadata,
    Column("id", Uuid, primary_key=True, comment="made by the phone; the same action sent again carries the same one"),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    text_column("kind"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the content: the same id with other content is refused"),
    Column("refusal", JSONB, nullable=True, comment="code, zh, en and field; empty when it was done"),
    Column("warning", JSONB, nullable=True, comment="code, zh, en of what was missing though it was done"),
    Column("stage_before", Uuid, nullable=True, comment="latest step that had moved the case when this one came; steps only"),
    Column("stage_after", Uuid, nullable=True, comment="latest step that had moved the case after this one; steps only"),
    instant("received_at", comment="the server's clock: what counts"),
    instant("occurred_at", comment="said_at corrected by how wrong the phone's clock was"),
    instant("said_at", comment="the phone's clock"),
    Column("skew_s", Double, nullable=False, comment="seconds the phone's clock was ahead when it sent this"),
    one_of("kind", ACTION_KINDS),
    Index("field_actions_case_id_idx", "case_id"),
    Index("field_actions_received_at_idx", "received_at"),
    comment="Actions phones have handed in, so that a resent one is known; forgotten after a while.",
)

case_visits = Table(
    "case_visits",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    instant("at", comment="the server's clock"),
    instant("occurred_at", comment="when it was, the phone's clock corrected"),
    text_column("verdict"),
    Column("distance_m", Double, nullable=True, comment="from the case; empty without a position"),
    Column("accuracy_m", Double, nullable=True, comment="radius the phone's receiver claimed"),
    one_of("verdict", VERDICTS),
    Index("case_visits_case_id_idx", "case_id", "at"),
    comment="Arrivals at a case. A fact about the visit: where the person stood is not kept.",
)

case_notes = Table(
    "case_notes",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("author_id", Uuid, ForeignKey("users.id"), nullable=False),
    text_column("kind", comment="conflict: something attempted on the spot that could not be done any more"),
    text_column("text", nullable=True),
    instant("at", comment="the server's clock"),
    instant("occurred_at", comment="when it was, the phone's clock corrected"),
    Column("attempted", JSONB, nullable=True, comment="of a conflict: what was tried and the code of the refusal"),
    one_of("kind", NOTE_KINDS),
    Index("case_notes_case_id_idx", "case_id", "at"),
    comment="What those at the spot wrote down; for staff.",
)

media_views = Table(
    "media_views",
    metadata,
    id_column(),
    Column("photo_id", Uuid, ForeignKey("photos.id"), nullable=False),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=True, comment="member of staff; empty for a reporter"),
    Column("report_id", Uuid, ForeignKey("reports.id"), nullable=True, comment="report whose tracking code was shown; empty for staff"),
    instant("at"),
    Index("media_views_case_id_idx", "case_id", "at"),
    Index("media_views_at_idx", "at"),
    comment="Every look at an original photo; forgotten after a while.",
)
