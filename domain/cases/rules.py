"""What a step does, decided without looking anything up: facts and a command go in, a decision or a refusal comes out.

The table says what is possible at all; the guards named there are the functions of ``GUARDS``. Because nothing here reads
the database or the clock, a million random commands can be tried in a minute, and the flow that writes has no rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from domain.cases.lifecycle import BY_VERB, ENDED_STATES, OPEN_STATES, REPORTER, SYSTEM, Transition
from domain.errors import Conflict, DomainError, Forbidden, Invalid

MAX_REASON: Final = 1000
MAX_PARTS: Final = 20
MAX_TASK: Final = 200
# A case returned this often since it was filed is not returned again: whoever commands must decide.
MAX_BOUNCES: Final = 2
MAX_ALLOWANCE: Final = 1000
RATING_WINDOW: Final = timedelta(days=7)
REOPEN_WINDOW: Final = timedelta(days=7)
# First check within 24 hours and verification within 2 working hours, as a live city system has them (docs/lifecycle.md).
CHECK_LIMIT: Final = (24, "urgent_hour")
VERIFY_LIMIT: Final = (2, "work_hour")
UNITS: Final = ("urgent_hour", "work_hour", "work_day", "urgent_day")
SATISFACTIONS: Final = ("satisfied", "fair", "dissatisfied")
# Steps by which a person shows the reporter that somebody has looked at it.
TELLS_REPORTER: Final = ("confirm", "refute", "file", "reject", "accept", "start", "finish", "close")


@dataclass(frozen=True, slots=True)
class Part:
    """What one called unit has to do in a joint action."""

    department_id: UUID
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInput:
    """What a step was given besides its verb; a row of the table says which of these it needs."""

    revision: int | None = None
    department_id: UUID | None = None
    reason: str | None = None
    matter_id: UUID | None = None
    condition_id: UUID | None = None
    about_department_id: UUID | None = None
    target_id: UUID | None = None
    amount: int | None = None
    unit: str | None = None
    parts: tuple[Part, ...] = ()
    report_ids: tuple[UUID, ...] = ()
    satisfaction: str | None = None
    command_id: UUID | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """On whose behalf: a member of staff, the reporter or the system.

    ``departments`` are those the person belongs to or acts for; ``reaches_unit`` tells that the permission reaches the case
    other than through a part in its joint action.
    """

    kind: str = "staff"
    user_id: UUID | None = None
    departments: frozenset[UUID] = frozenset()
    reaches_unit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules need to know of a case, named as the columns of ``cases``.

    ``limit`` is the allowance of its filing condition; ``parts`` maps each party to whether its part is done;
    ``asked_by`` is who made the pending request, ``requested`` what it asked for; ``target_state`` is that of the case to
    merge into; ``unexplained`` counts the rises the unit owes an explanation for.
    """

    state: str
    department_id: UUID | None = None
    proposed_department_id: UUID | None = None
    about_department_id: UUID | None = None
    phase: str | None = None
    due_at: datetime | None = None
    filed_at: datetime | None = None
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    late_at: datetime | None = None
    rate_until: datetime | None = None
    bounces: int = 0
    reworks: int = 0
    reopens: int = 0
    extensions: int = 0
    pending_request: str | None = None
    asked_by: UUID | None = None
    requested: tuple[int, str] | None = None
    parts: Mapping[UUID, bool] = field(default_factory=dict)
    wants_rating: bool = False
    satisfaction: str | None = None
    back_to: str | None = None
    unexplained: int = 0
    limit: tuple[int, str] = CHECK_LIMIT
    target_state: str | None = None


@dataclass(frozen=True, slots=True)
class ClockOp:
    """One entry for the ledger: when it holds, what it does to which phase, and with which allowance."""

    at: datetime
    kind: str
    phase: str
    amount: int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step comes to: the next state, changed columns, ledger entries and steps the system takes at once after it."""

    row: Transition
    after: str
    changes: Mapping[str, Any]
    clock: Sequence[ClockOp]
    follow: Sequence[tuple[str, StepInput]]


def decide(facts: Facts, verb: str, given: StepInput, by: By, *, at: datetime) -> Decision:
    """Decide one step. Raises Invalid for a wrong input, Forbidden for the wrong person, Conflict for the wrong moment."""
    row = known_row(verb)
    _refuse_stranger(row, by)
    if facts.state not in row.before:
        raise Conflict(
            f"a case that is {facts.state} cannot {row.en.lower()}", f"当前状态不能执行「{row.zh}」", field="verb"
        )
    given = check_input(row, given)
    for guard in row.guards:
        if (refusal := GUARDS[guard](facts, given, by, at)) is not None:
            raise refusal
    after = row.after_from(facts.state, facts.back_to)
    changes = dict(CHANGES[verb](facts, given, at)) if verb in CHANGES else {}
    if row.ends:
        changes["closed_at"] = at
    if "lapse" in row.clock and facts.pending_request:
        changes["pending_request"] = None
    clock = _clock(row, facts, given, at)
    if _missed(facts, at) and any(op.phase == "handle" and op.kind in ("pause", "stop", "extend") for op in clock):
        changes["late_at"] = facts.due_at  # also where nobody was awake to tell it: no suspension or extension takes it back
    return Decision(row, after, changes, clock, _follow(verb, facts, given))


def _missed(facts: Facts, at: datetime) -> bool:
    return facts.phase == "handle" and facts.due_at is not None and at > facts.due_at and facts.late_at is None


def known_row(verb: str) -> Transition:
    """Give a verb's row; raises Invalid for an unknown one."""
    row = BY_VERB.get(verb)
    if row is None:
        raise Invalid(f"unknown verb {verb[:40]!r}; use one of {', '.join(BY_VERB)}", f"未知操作 {verb[:40]!r}", field="verb")
    return row


def check_input(row: Transition, given: StepInput) -> StepInput:
    """Check what was given against the row's needs and bring texts into shape; raises Invalid naming the field."""
    reason = _text(given.reason, "reason", MAX_REASON)
    for need in row.needs:
        if _missing(need, given, reason):
            en, zh, name = _NEEDED[need]
            raise Invalid(f"{row.en}: {en}", f"{row.zh}：{zh}", field=name)
    if given.unit is not None and given.unit not in UNITS:
        raise Invalid(f"unknown unit of time {given.unit[:40]!r}; use one of {', '.join(UNITS)}", "未知的时限单位", field="unit")
    if given.amount is not None and not 1 <= given.amount <= MAX_ALLOWANCE:
        raise Invalid(f"an amount is 1 to {MAX_ALLOWANCE}", f"时长应在 1 到 {MAX_ALLOWANCE} 之间", field="amount")
    if given.satisfaction is not None and given.satisfaction not in SATISFACTIONS:
        raise Invalid(f"satisfaction is one of {', '.join(SATISFACTIONS)}", "满意度须为满意、基本满意或不满意", field="satisfaction")
    if len(given.parts) > MAX_PARTS:
        raise Invalid(f"at most {MAX_PARTS} units can be called", f"最多吹哨 {MAX_PARTS} 个单位", field="parts")
    parts = tuple(Part(part.department_id, _text(part.task, "parts", MAX_TASK) or "") for part in given.parts)
    if len({part.department_id for part in parts}) != len(parts) or any(not part.task for part in parts):
        raise Invalid("each unit is called once and told its task", "每个单位只能吹哨一次，并须写明任务", field="parts")
    return _with(given, reason=reason, parts=parts)


def _with(given: StepInput, **changes: Any) -> StepInput:
    values = {name: getattr(given, name) for name in StepInput.__slots__} | changes
    return StepInput(**values)


def _text(text: str | None, name: str, limit: int) -> str | None:
    text = (text or "").strip() or None
    if text is not None and (len(text) > limit or "\x00" in text):
        raise Invalid(f"{name} has at most {limit} characters", f"文字不得超过 {limit} 个字", field=name)
    return text


_NEEDED: Final[Mapping[str, tuple[str, str, str]]] = {
    "department": ("choose a department", "请选择部门", "departmentId"),
    "reason": ("say why", "须说明理由", "reason"),
    "matter": ("choose a matter", "请选择事项", "matterId"),
    "amount": ("say for how long", "须写明时长", "amount"),
    "parts": ("name the units and their tasks", "请写明单位和任务", "parts"),
    "target": ("choose the case to merge into", "请选择并入的案件", "targetId"),
    "reports": ("choose the reports to split off", "请选择要拆出的上报", "reportIds"),
    "satisfaction": ("say how satisfied you are", "请选择满意度", "satisfaction"),
}


def _missing(need: str, given: StepInput, reason: str | None) -> bool:
    return {
        "department": given.department_id is None,
        "reason": reason is None,
        "matter": given.matter_id is None,
        "amount": given.amount is None or given.unit is None,
        "parts": not given.parts,
        "target": given.target_id is None,
        "reports": not given.report_ids,
        "satisfaction": given.satisfaction is None,
    }[need]


def _refuse_stranger(row: Transition, by: By) -> None:
    if by.kind == "staff":
        if row.permission in (REPORTER, SYSTEM) and not any("." in word for word in row.also):
            raise Forbidden(f"{row.en} is not for staff", f"「{row.zh}」不由工作人员执行", field="verb")
    elif by.kind not in (row.permission, *row.also):
        raise Forbidden(f"{row.en} is not for the {by.kind}", f"您不能执行「{row.zh}」", field="verb")


# Guards: each gives the refusal, or None.
Guard = Callable[[Facts, StepInput, By, datetime], DomainError | None]


def _not_about(facts: Facts, given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    about = given.about_department_id or facts.about_department_id
    if about is not None and given.department_id == about:
        return Invalid("a complaint is never handled by whom it is about", "不能由被投诉单位处理该投诉", field="departmentId")
    return None


def _another(facts: Facts, given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    if given.department_id == facts.department_id:
        return Invalid("the case is with this department already", "案件已在该部门", field="departmentId")
    return None


def _has_it(_facts: Facts, _given: StepInput, by: By, _at: datetime) -> DomainError | None:
    if not by.reaches_unit:
        return Forbidden("the lead unit does that; yours has a part in it", "由牵头单位执行，您的单位为协办", field="verb")
    return None


def _has_part(facts: Facts, _given: StepInput, by: By, _at: datetime) -> DomainError | None:
    if own_part(facts, by) is None:
        return Conflict("your unit has no open part in this case", "您的单位在该案件中没有未完成的协办任务", field="verb")
    return None


def _may_bounce(facts: Facts, _given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    if facts.bounces >= MAX_BOUNCES:
        return Conflict(
            f"returned {facts.bounces} times already: ask whoever dispatched it to decide",
            f"已退回 {facts.bounces} 次，不能再退，请联系派遣方裁定",
            field="verb",
        )
    return None


def _parts_done(facts: Facts, _given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    if open_parts := sum(not done for done in facts.parts.values()):
        return Conflict(f"{open_parts} parts of the joint action are open", f"还有 {open_parts} 个协办任务未完成", field="verb")
    return None


def _parts_free(facts: Facts, given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    for part in given.parts:
        if part.department_id in facts.parts or part.department_id == facts.department_id:
            return Invalid("this unit is in the case already", "该单位已在本案中", field="parts")
        if part.department_id in (facts.about_department_id, given.about_department_id):
            return Invalid("a complaint is never handled by whom it is about", "不能由被投诉单位处理该投诉", field="parts")
    if len(facts.parts) + len(given.parts) > MAX_PARTS:
        return Invalid(f"at most {MAX_PARTS} units can be called", f"最多吹哨 {MAX_PARTS} 个单位", field="parts")
    return None


def _none_pending(facts: Facts, _given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    if facts.pending_request:
        return Conflict("a request waits for its decision already", "已有申请待审批", field="verb")
    return None


def _any_pending(facts: Facts, _given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    if not facts.pending_request:
        return Conflict("no request waits for a decision", "没有待审批的申请", field="verb")
    return None


def _extension_pending(facts: Facts, _given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    if facts.pending_request != "extension":
        return Conflict("no extension has been asked for", "没有待审批的延期申请", field="verb")
    return None


def _not_asker(facts: Facts, _given: StepInput, by: By, _at: datetime) -> DomainError | None:
    if facts.pending_request and facts.asked_by is not None and facts.asked_by == by.user_id:
        return Forbidden("somebody else must decide your request", "申请须由他人审批", field="verb")
    return None


def _owes_explanation(facts: Facts, _given: StepInput, by: By, _at: datetime) -> DomainError | None:
    if not by.reaches_unit:
        return Forbidden("the lead unit explains", "由牵头单位说明", field="verb")
    if not facts.unexplained:
        return Conflict("no explanation is owed", "当前没有待提交的说明", field="verb")
    return None


def _not_own_work(facts: Facts, _given: StepInput, by: By, _at: datetime) -> DomainError | None:
    if by.kind == "staff" and facts.department_id in by.departments:
        return Forbidden("nobody verifies or closes their own unit's work", "不能核查本单位的处置结果", field="verb")
    return None


def _content_or_reason(facts: Facts, given: StepInput, by: By, at: datetime) -> DomainError | None:
    if by.kind == SYSTEM or given.reason:
        return None
    if facts.satisfaction == "dissatisfied":
        return Invalid("the reporter is not satisfied: say why it is closed", "群众不满意，结案须说明理由", field="reason")
    if facts.state == "verified" and facts.wants_rating and facts.rate_until is not None and at < facts.rate_until:
        return Invalid("the reporter may still rate it: say why it is closed now", "群众尚可评价，提前结案须说明理由", field="reason")
    return None


def _reopen_window(facts: Facts, _given: StepInput, by: By, at: datetime) -> DomainError | None:
    if by.kind == REPORTER and (facts.closed_at is None or at - facts.closed_at > REOPEN_WINDOW):
        days = REOPEN_WINDOW.days
        return Conflict(f"a case can be reopened for {days} days", f"结案超过 {days} 天，不能重开，请重新上报", field="verb")
    return None


def _target_open(facts: Facts, _given: StepInput, _by: By, _at: datetime) -> DomainError | None:
    if facts.target_state not in OPEN_STATES:
        return Conflict("the case to merge into is not open", "并入的案件已结束或不存在", field="targetId")
    return None


GUARDS: Final[Mapping[str, Guard]] = {
    "not_about": _not_about,
    "another": _another,
    "has_it": _has_it,
    "has_part": _has_part,
    "may_bounce": _may_bounce,
    "parts_done": _parts_done,
    "parts_free": _parts_free,
    "none_pending": _none_pending,
    "any_pending": _any_pending,
    "extension_pending": _extension_pending,
    "not_asker": _not_asker,
    "owes_explanation": _owes_explanation,
    "not_own_work": _not_own_work,
    "content_or_reason": _content_or_reason,
    "reopen_window": _reopen_window,
    "target_open": _target_open,
}


def own_part(facts: Facts, by: By) -> UUID | None:
    """Give the caller's department that has an open part, or None."""
    return next((unit for unit, done in sorted(facts.parts.items()) if not done and unit in by.departments), None)


# What a step changes besides the state; names are columns of ``cases``.
Changes = Mapping[str, Any]


def _filed(_facts: Facts, given: StepInput, at: datetime) -> Changes:
    matter = {"matter_id": given.matter_id} if given.matter_id else {}
    about = {"about_department_id": given.about_department_id} if given.about_department_id else {}
    return {"filed_at": at, "bounces": 0, "department_id": None, **matter, **about}


def _classified(_facts: Facts, given: StepInput, _at: datetime) -> Changes:
    about = {"about_department_id": given.about_department_id} if given.about_department_id else {}
    return {"matter_id": given.matter_id, **about}


def _sent(_facts: Facts, given: StepInput, at: datetime) -> Changes:
    about = {"about_department_id": given.about_department_id} if given.about_department_id else {}
    return {"department_id": given.department_id, "dispatched_at": at, "accepted_at": None, **about}


def _taken_back(_facts: Facts, _given: StepInput, _at: datetime) -> Changes:
    return {"department_id": None, "dispatched_at": None, "accepted_at": None}


def _returned(facts: Facts, _given: StepInput, _at: datetime) -> Changes:
    return {"department_id": None, "dispatched_at": None, "accepted_at": None, "bounces": facts.bounces + 1}


def _started(facts: Facts, _given: StepInput, at: datetime) -> Changes:
    return {} if facts.accepted_at else {"accepted_at": at}


def _verified(facts: Facts, _given: StepInput, at: datetime) -> Changes:
    return {"verified_at": at, "rate_until": at + RATING_WINDOW if facts.wants_rating else None}


def _reworked(facts: Facts, _given: StepInput, _at: datetime) -> Changes:
    return {"handled_at": None, "verified_at": None, "rate_until": None, "satisfaction": None, "reworks": facts.reworks + 1}


def _reopened(facts: Facts, _given: StepInput, at: datetime) -> Changes:
    return {
        "filed_at": at, "bounces": 0, "department_id": None, "proposed_department_id": facts.department_id or facts.proposed_department_id,
        "dispatched_at": None, "accepted_at": None, "handled_at": None, "verified_at": None, "closed_at": None,
        "rate_until": None, "satisfaction": None, "reopens": facts.reopens + 1, "level": 0,
    }  # fmt: skip


def _extended(facts: Facts, _given: StepInput, _at: datetime) -> Changes:
    return {"pending_request": None, "extensions": facts.extensions + 1}


def _suspended(facts: Facts, _given: StepInput, _at: datetime) -> Changes:
    return {"pending_request": None, "back_to": facts.state}


def _merged(facts: Facts, given: StepInput, _at: datetime) -> Changes:
    return {"merged_into_id": given.target_id, "back_to": facts.state}


CHANGES: Final[Mapping[str, Callable[[Facts, StepInput, datetime], Changes]]] = {
    "confirm": _filed,
    "file": _filed,
    "classify": _classified,
    "dispatch": _sent,
    "transfer": _sent,
    "pass_on": _sent,
    "recall": _taken_back,
    "return": _returned,
    "accept": lambda _facts, _given, at: {"accepted_at": at},
    "start": _started,
    "finish": lambda _facts, _given, at: {"handled_at": at},
    "verify": _verified,
    "rework": _reworked,
    "reopen": _reopened,
    "rate": lambda _facts, given, _at: {"satisfaction": given.satisfaction},
    "ask_extension": lambda _facts, _given, _at: {"pending_request": "extension"},
    "ask_suspension": lambda _facts, _given, _at: {"pending_request": "suspension"},
    "refuse_request": lambda _facts, _given, _at: {"pending_request": None},
    "extend": _extended,
    "suspend": _suspended,
    "resume": lambda _facts, _given, _at: {"back_to": None},
    "supervise": lambda _facts, _given, at: {"supervised_at": at},
    "merge": _merged,
    "unmerge": lambda _facts, _given, _at: {"merged_into_id": None, "back_to": None, "closed_at": None},
}


def _clock(row: Transition, facts: Facts, given: StepInput, at: datetime) -> list[ClockOp]:
    """Turn the row's clock words into ledger entries; words about a phase that does not run write nothing."""
    ops: list[ClockOp] = []
    running = facts.phase
    for word in row.clock:
        kind, _, phase = word.partition(" ")
        if kind == "lapse":
            continue
        if kind == "start":
            ops.append(ClockOp(at, "start", phase, *(VERIFY_LIMIT if phase == "verify" else facts.limit)))
            running = phase
        elif kind == "restart":
            # Another matter has another limit, counted from the same filing: naming it late wins nobody time.
            if running == phase:
                ops.append(ClockOp(facts.filed_at or at, "start", phase, *facts.limit))
        elif kind == "resume":
            if wanted := phase or running:
                ops.append(ClockOp(at, "resume", wanted))
                running = wanted
        elif running is not None and phase in ("", running):
            extra = facts.requested if kind == "extend" else None
            if kind == "extend" and given.amount is not None and given.unit is not None:
                extra = (given.amount, given.unit)  # who decides may grant another length than was asked for
            ops.append(ClockOp(at, kind, running, *(extra or (None, None))))
            running = running if kind in ("pause", "extend") else None
    return ops


def _follow(verb: str, facts: Facts, given: StepInput) -> list[tuple[str, StepInput]]:
    """List the steps the system takes at once after this one."""
    if verb in ("confirm", "file"):
        about = given.about_department_id or facts.about_department_id
        wanted = facts.proposed_department_id
        return [("dispatch", StepInput(department_id=wanted))] if wanted is not None and wanted != about else []
    if verb == "verify" and not facts.wants_rating:
        return [("close", StepInput())]
    if verb == "rate" and given.satisfaction != "dissatisfied":
        return [("close", StepInput())]
    return []


def is_ended(state: str) -> bool:
    """Tell whether nothing runs any more in this state."""
    return state in ENDED_STATES
