"""The duty roster, skills, admissions to grids, leases on cases, hand-overs of shifts, and jobs over many cases."""

from __future__ import annotations

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from domain.base import id_column, instant, metadata, one_of, text_column

ITEM_STATES = ("waiting", "done", "failed")

duty_shifts = Table(
    "duty_shifts",
    metadata,
    id_column(),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=False),
    Column("area_id", Uuid, ForeignKey("areas.id"), nullable=True, comment="root of the subtree it covers; empty: wherever the department acts"),
    instant("starts_at"),
    instant("ends_at", comment="exclusive"),
    Column("head_count", Integer, nullable=False, comment="how many people are on duty"),
    Column("user_ids", ARRAY(Uuid), nullable=False, server_default="{}", comment="those of them who have accounts; listed, never ranked"),
    Column("on_call", Boolean, nullable=False, server_default="false", comment="reachable, not at work"),
    Column("saved_by", Uuid, ForeignKey("users.id"), nullable=True),
    instant("saved_at"),
    CheckConstraint("ends_at > starts_at", name="order"),
    CheckConstraint("head_count between 0 and 10000", name="head_count"),
    Index("duty_shifts_department_id_idx", "department_id", "ends_at"),
    comment="Duty roster: how many people of a department are on duty, where, from when to when.",
)

department_skills = Table(
    "department_skills",
    metadata,
    id_column(),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=False),
    Column("shift_id", Uuid, ForeignKey("duty_shifts.id", ondelete="CASCADE"), nullable=True, comment="only while this shift runs; empty: always"),
    text_column("kind", nullable=True, comment="component, event, alert; empty = any"),
    text_column("major", nullable=True),
    text_column("minor", nullable=True),
    Column("saved_by", Uuid, ForeignKey("users.id"), nullable=True),
    instant("saved_at"),
    Index("department_skills_department_id_idx", "department_id"),
    Index("department_skills_shift_id_idx", "shift_id"),
    comment="Matters a department, or one of its shifts, is able to handle; a department without rows has said nothing.",
)

admissions = Table(
    "admissions",
    metadata,
    id_column(),
    Column("area_id", Uuid, ForeignKey("areas.id"), nullable=False, comment="root of the subtree in which it holds"),
    text_column("kind", nullable=True, comment="component, event, alert; empty = any"),
    text_column("major", nullable=True),
    text_column("minor", nullable=True),
    text_column("task_class", comment="class of the grid's task list the matter belongs to"),
    text_column("basis", nullable=True, comment="decision or list that admitted it"),
    instant("valid_from"),
    instant("valid_to", nullable=True, comment="exclusive; empty while in force"),
    Column("saved_by", Uuid, ForeignKey("users.id"), nullable=True),
    CheckConstraint("valid_to is null or valid_to >= valid_from", name="valid_order"),
    Index("admissions_area_id_idx", "area_id"),
    comment="Matters that may be sent to grids; an area no row holds in admits every matter.",
)

case_claims = Table(
    "case_claims",
    metadata,
    Column("case_id", Uuid, ForeignKey("cases.id"), primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    instant("claimed_at"),
    instant("until", comment="a short lease: whoever goes away frees it by doing nothing"),
    comment="Who has a case open at a desk right now; advice to others, never a lock.",
)

shift_handovers = Table(
    "shift_handovers",
    metadata,
    id_column(),
    instant("at"),
    Column("from_user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("to_user_id", Uuid, ForeignKey("users.id"), nullable=True, comment="who takes over, where that is known"),
    text_column("text"),
    Column("area_ids", ARRAY(Uuid), nullable=False, comment="areas the desk answers for; with no department either: the whole city"),
    Column("department_ids", ARRAY(Uuid), nullable=False),
    Column("counts", JSONB, nullable=False, comment="open, overdue and supervised cases of the desk at that instant"),
    Column("open_ids", ARRAY(Uuid), nullable=False, comment="open cases, most urgent first, bounded"),
    Column("overdue_ids", ARRAY(Uuid), nullable=False),
    Column("watched_ids", ARRAY(Uuid), nullable=False, comment="open cases under supervision"),
    Index("shift_handovers_at_idx", "at", "id"),
    comment="What one shift left to the next; append-only.",
)

handover_acknowledgements = Table(
    "handover_acknowledgements",
    metadata,
    Column("handover_id", Uuid, ForeignKey("shift_handovers.id"), primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    instant("at"),
    comment="Who took a shift over; append-only, once for each hand-over.",
)

bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    Column("id", Uuid, primary_key=True, comment="made by the client: the same job sent again is the same job"),
    text_column("verb", comment="step taken on every case; of an undo: the step that is taken back"),
    Column("given", JSONB, nullable=False, comment="what every step is given: department, matter, target, reason"),
    Column("asked_by", Uuid, ForeignKey("users.id"), nullable=False, comment="on whose behalf, with the rights of the moment each step is taken"),
    instant("asked_at"),
    Column("undo_of", Uuid, ForeignKey("bulk_jobs.id"), nullable=True, comment="the job whose steps this one takes back"),
    Index("bulk_jobs_undo_of_key", "undo_of", unique=True),
    Index("bulk_jobs_asked_by_idx", "asked_by", "asked_at"),
    comment="One step over many cases, taken by the worker case by case.",
)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("job_id", Uuid, ForeignKey("bulk_jobs.id"), primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), primary_key=True),
    Column("ord", Integer, nullable=False, comment="place in the job, from 0"),
    text_column("state"),
    instant("done_at", nullable=True),
    Column("before_department_id", Uuid, nullable=True, comment="where the case was before the step"),
    Column("before_matter_id", Uuid, nullable=True),
    Column("revision", Integer, nullable=True, comment="of the case after the step: unchanged means nobody has moved it since"),
    text_column("code", nullable=True, comment="of the error that refused it"),
    text_column("message_zh", nullable=True),
    text_column("message_en", nullable=True),
    one_of("state", ITEM_STATES),
    Index("bulk_items_job_id_ord_idx", "job_id", "ord"),
    Index("bulk_items_waiting_idx", "ord", "job_id", postgresql_where=text("state = 'waiting'")),
    comment="Each case of a job with its own result.",
)
