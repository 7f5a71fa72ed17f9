"""Cases: whatever somebody must act on, with one life-cycle, one clock and a log of every step."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, ForeignKey, Index, Integer, Sequence, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from domain.base import id_column, instant, metadata, one_of, text_column
from domain.cases.lifecycle import PHASES, STATES

ALLOWANCE_UNITS = ("urgent_hour", "work_hour", "work_day", "urgent_day")
CLOCK_KINDS = ("start", "pause", "resume", "extend", "stop", "recompute")
REQUEST_KINDS = ("extension", "suspension")
SATISFACTIONS = ("satisfied", "fair", "dissatisfied")

case_numbers = Sequence("case_numbers", metadata=metadata)

cases = Table(
    "cases",
    metadata,
    id_column(),
    text_column("number", comment="for people: date and sequence; says nothing secret"),
    text_column("origin", comment="report or alert"),
    text_column("state"),
    text_column("title", comment="name of the matter or the alert; no words of the reporter"),
    Column("matter_id", Uuid, ForeignKey("matters.id"), nullable=True),
    Column("condition_id", Uuid, ForeignKey("filing_conditions.id"), nullable=True, comment="filing condition that sets the clock"),
    Column("position", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("position_3857", Geometry("POINT", 3857, spatial_index=False), nullable=False, comment="for tiles; derived from position"),
    Column("cell", BigInteger, nullable=False, comment="H3 cell at resolution 10, signed"),
    Column("home_area_id", Uuid, ForeignKey("areas.id"), nullable=True, comment="owning governance grid; empty when unowned"),
    Column("home_version_id", Uuid, ForeignKey("area_versions.id"), nullable=True),
    Column("area_ids", ARRAY(Uuid), nullable=False, comment="every area it lies in, over all layers and levels, as valid when assigned: what scope is checked against"),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True),
    Column("receipt_id", Uuid, ForeignKey("receipts.id"), nullable=False, comment="latest receipt"),
    instant("opened_at"),
    instant("due_at", nullable=True, comment="from the filing condition and the calendar named in due_basis"),
    text_column("due_basis", nullable=True, comment="amount, unit and calendar version the deadline was computed with"),
    instant("overdue_at", nullable=True, comment="the due instant, once the worker has announced that it passed"),
    instant("closed_at", nullable=True),
    instant("updated_at"),
    text_column("phase", nullable=True, comment="what the clock measures now: check, handle or verify; empty when it has stopped"),
    Column("due_provisional", Boolean, nullable=False, server_default="false", comment="the deadline lies beyond the published holidays and may move"),
    instant("filed_at", nullable=True, comment="filed for handling, latest"),
    instant("dispatched_at", nullable=True, comment="latest"),
    instant("accepted_at", nullable=True, comment="latest"),
    instant("handled_at", nullable=True, comment="latest"),
    instant("verified_at", nullable=True, comment="latest"),
    instant("first_reply_at", nullable=True, comment="first answer by a person to the reporter"),
    instant("handle_due_at", nullable=True, comment="latest deadline of handling; kept when the clock stops"),
    instant("late_at", nullable=True, comment="the handling deadline that was missed; never taken back"),
    Column("proposed_department_id", Uuid, ForeignKey("departments.id"), nullable=True, comment="whom routing would send it to once it is filed"),
    Column("about_department_id", Uuid, ForeignKey("departments.id"), nullable=True, comment="whom the complaint is about: never handles it and never sees it"),
    Column("party_ids", ARRAY(Uuid), nullable=False, server_default="{}", comment="departments with an open or done part of a joint action"),
    Column("open_parts", Integer, nullable=False, server_default="0", comment="parts of the joint action not done yet"),
    Column("bounces", Integer, nullable=False, server_default="0", comment="how often it was returned since it was last filed"),
    Column("reworks", Integer, nullable=False, server_default="0"),
    Column("reopens", Integer, nullable=False, server_default="0"),
    Column("extensions", Integer, nullable=False, server_default="0"),
    Column("level", Integer, nullable=False, server_default="0", comment="how high it has risen: 0 grid, 1 town, 2 district, 3 city"),
    instant("supervised_at", nullable=True, comment="since when it is under supervision"),
    text_column("pending_request", nullable=True, comment="kind of the request that waits for a decision"),
    text_column("back_to", nullable=True, comment="state to go back to when a suspension or a merge ends"),
    Column("merged_into_id", Uuid, ForeignKey("cases.id"), nullable=True),
    Column("split_from_id", Uuid, ForeignKey("cases.id"), nullable=True),
    Column("wants_rating", Boolean, nullable=False, server_default="false", comment="a member of the public raised it and is asked to rate the result"),
    instant("rate_until", nullable=True, comment="end of the time for rating"),
    text_column("satisfaction", nullable=True, comment="worst of the ratings given"),
    Column("revision", Integer, nullable=False, server_default="1", comment="raised by every change; a caller's stale revision is a conflict"),
    Column("synthetic", Boolean, nullable=False, server_default="false", comment="part of the demo history"),
    one_of("origin", ("report", "alert")),
    one_of("state", STATES),
    one_of("phase", PHASES),
    one_of("pending_request", REQUEST_KINDS),
    one_of("satisfaction", SATISFACTIONS),
    Index("cases_number_key", "number", unique=True),
    Index("cases_area_ids_idx", "area_ids", postgresql_using="gin"),
    Index("cases_department_id_idx", "department_id", "opened_at"),
    Index("cases_opened_at_idx", "opened_at", "id"),
    Index("cases_position_3857_idx", "position_3857", postgresql_using="gist"),
    Index("cases_position_idx", "position", postgresql_using="gist"),
    Index("cases_home_area_id_idx", "home_area_id"),
    Index("cases_open_idx", "state", "opened_at", postgresql_where=text("closed_at is null")),
    Index("cases_open_due_at_idx", "due_at", "id", postgresql_where=text("closed_at is null")),
    Index("cases_open_department_id_idx", "department_id", "due_at", postgresql_where=text("closed_at is null")),
    Index("cases_party_ids_idx", "party_ids", postgresql_using="gin"),
    Index("cases_merged_into_id_idx", "merged_into_id", postgresql_where=text("merged_into_id is not null")),
    comment="Whatever somebody must act on.",
)

case_transitions = Table(
    "case_transitions",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    instant("at"),
    text_column("verb"),
    text_column("from_state", nullable=True),
    text_column("to_state"),
    Column("actor_id", Uuid, ForeignKey("users.id"), nullable=True, comment="empty: the system"),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True, comment="department after the step"),
    text_column("reason", nullable=True),
    Column("command_id", Uuid, nullable=True, comment="made by the client; the same command sent again is the same step"),
    instant("occurred_at", nullable=True, comment="the sender's clock, where the step was taken without a connection"),
    Column("details", JSONB, nullable=True, comment="what the step was given: ids and figures, no text of the reporter"),
    Index("case_transitions_case_id_idx", "case_id", "at"),
    Index("case_transitions_command_id_key", "command_id", unique=True, postgresql_where=text("command_id is not null")),
    comment="Every step of every case; append-only.",
)

case_clock = Table(
    "case_clock",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("seq", Integer, nullable=False, comment="order of the case's entries, from 1"),
    instant("at", comment="from when the entry holds"),
    text_column("kind"),
    text_column("phase"),
    Column("amount", Integer, nullable=True, comment="allowance given by a start or an extension"),
    text_column("unit", nullable=True),
    text_column("calendar_version", comment="holidays, hours and zone the deadline was computed with"),
    instant("due_at", nullable=True, comment="the deadline after this entry; empty while the clock does not run"),
    Column("provisional", Boolean, nullable=False, server_default="false", comment="due_at lies beyond the published holidays"),
    Column("actor_id", Uuid, ForeignKey("users.id"), nullable=True, comment="empty: the system or the reporter"),
    text_column("reason", nullable=True),
    one_of("kind", CLOCK_KINDS),
    one_of("phase", PHASES),
    one_of("unit", ALLOWANCE_UNITS),
    Index("case_clock_case_id_seq_key", "case_id", "seq", unique=True),
    comment="Ledger of every clock: append-only; a deadline is a pure function of these rows and a calendar.",
)

case_timers = Table(
    "case_timers",
    metadata,
    Column("case_id", Uuid, ForeignKey("cases.id"), primary_key=True),
    Column("chain", Text, primary_key=True, comment="deadline, accept or rate: a case has one next timer in each"),
    text_column("kind", comment="what happens: warn, overdue, escalate, accept_late, rate_end ..."),
    instant("due_at"),
    Index("case_timers_due_at_idx", "due_at"),
    comment="What each case wakes for next; a row is taken, acted on and replaced or removed in one transaction.",
)

case_escalations = Table(
    "case_escalations",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("level", Integer, nullable=False, comment="1 town, 2 district, 3 city"),
    text_column("phase"),
    instant("due_at", comment="when it was due to rise"),
    instant("at", comment="when that was noticed"),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=True, comment="who had the case and owes the explanation"),
    text_column("explanation", nullable=True),
    instant("explained_at", nullable=True),
    Column("explained_by", Uuid, ForeignKey("users.id"), nullable=True),
    Index("case_escalations_case_id_idx", "case_id", "at"),
    comment="Each rise of a case by a level, and the unit's written explanation.",
)

case_requests = Table(
    "case_requests",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    text_column("kind"),
    Column("amount", Integer, nullable=True),
    text_column("unit", nullable=True),
    text_column("reason"),
    Column("asked_by", Uuid, ForeignKey("users.id"), nullable=True),
    instant("asked_at"),
    text_column("decision", nullable=True),
    Column("decided_by", Uuid, ForeignKey("users.id"), nullable=True),
    instant("decided_at", nullable=True),
    one_of("kind", REQUEST_KINDS),
    one_of("decision", ("granted", "refused", "lapsed")),
    Index("case_requests_case_id_idx", "case_id", "asked_at"),
    Index("case_requests_pending_key", "case_id", unique=True, postgresql_where=text("decision is null")),
    comment="Requests of a unit to extend or suspend; somebody else decides.",
)

case_parts = Table(
    "case_parts",
    metadata,
    id_column(),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("department_id", Uuid, ForeignKey("departments.id"), nullable=False),
    text_column("task"),
    instant("asked_at"),
    instant("arrived_at", nullable=True, comment="reported in"),
    instant("done_at", nullable=True),
    text_column("result", nullable=True),
    Index("case_parts_case_id_department_id_key", "case_id", "department_id", unique=True),
    Index("case_parts_department_id_idx", "department_id"),
    comment="Joint action: what each called unit has to do; the case's department leads.",
)
