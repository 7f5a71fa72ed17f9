"""The desk's own rows: duty roster and skills, admissions to grids, presence, hand-over of shifts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from api import read
from api.context import Info
from api.entity import column, derived, entity, many, one, told
from api.graph.case_dispatch import CaseClaim
from api.graph.cases import Case
from api.graph.people import Department
from api.scalars import uuid_of
from domain.base import new_id
from domain.dispatch.admissions import Admission as NewAdmission
from domain.dispatch.handovers import MOST_CASES
from domain.dispatch.roster import Shift
from domain.dispatch.selectors import Selector
from domain.flows import desk
from domain.people.scope import scope_for
from runtime.database import transaction

_AREA_NAME = (
    "(select v.name from area_versions v where v.area_id = {0}.area_id and v.valid_from <= %(at)s order by v.valid_from desc limit 1)"
)
_NAME_OF = "(select u.display_name from users u where u.id = {0}.%s)"
_SKILLS = (
    "(select coalesce(json_agg(json_build_object('kind', k.kind, 'major', k.major, 'minor', k.minor) order by k.kind, k.major, k.minor),"
    " '[]') from department_skills k where k.shift_id = {0}.id)"
)


@strawberry.type(description="Matters by their catalogue codes; null means any.")
class MatterSelector:
    """A selector."""

    kind: str | None = told("component, event or alert.")
    major: str | None = told("Code of the major class.")
    minor: str | None = told("Code of the minor class.")


@entity("duty_shifts", "One row of the duty roster.")
class DutyShift:
    """A shift."""

    id: strawberry.ID = column("{0}.id", "Id.")
    department: Department | None = one("{0}.id = {1}.department_id", "Whose people.")
    area_id: strawberry.ID | None = column("{0}.area_id", "Root of the subtree it covers; null: wherever the department acts.")
    area_name: str | None = column(_AREA_NAME, "Its name.")
    starts_at: datetime = column("{0}.starts_at", "Begin.")
    ends_at: datetime = column("{0}.ends_at", "End.")
    head_count: int = column("{0}.head_count", "How many people.")
    people: list[str] = column(
        "array(select u.display_name from users u where u.id = any({0}.user_ids) order by u.display_name, u.id)",
        "Those of them who are named, by name: a list, no ranking.",
    )
    on_call: bool = column("{0}.on_call", "Reachable, not at work.")
    skills: list[MatterSelector] = derived(_SKILLS, lambda found: found, "Matters it is able to handle while it runs.")


@entity("department_skills", "A kind of matter a department is able to handle at any time.")
class DepartmentSkill:
    """A skill."""

    id: strawberry.ID = column("{0}.id", "Id.")
    kind: str | None = column("{0}.kind", "component, event or alert; null: any.")
    major: str | None = column("{0}.major", "Code of the major class; null: any.")
    minor: str | None = column("{0}.minor", "Code of the minor class; null: any.")


@entity("admissions", "A kind of matter that may be sent to grids. An area in which none holds admits everything.")
class Admission:
    """An admission."""

    id: strawberry.ID = column("{0}.id", "Id.")
    area_id: strawberry.ID = column("{0}.area_id", "Root of the subtree it holds in.")
    area_name: str | None = column(_AREA_NAME, "Its name.")
    kind: str | None = column("{0}.kind", "component, event or alert; null: any.")
    major: str | None = column("{0}.major", "Code of the major class; null: any.")
    minor: str | None = column("{0}.minor", "Code of the minor class; null: any.")
    matter_name: str | None = column(
        "(select min(m.name) from matters m where m.kind = {0}.kind and m.major = {0}.major and m.minor = {0}.minor)",
        "Name of the matter, where one alone is admitted.",
    )
    task_class: str = column("{0}.task_class", "Class of the grid's task list.")
    basis: str | None = column("{0}.basis", "Decision or list that admitted it.")
    valid_from: datetime = column("{0}.valid_from", "Since when.")
    valid_to: datetime | None = column("{0}.valid_to", "Until when; null while it is in force.")


@strawberry.type(description="Figures of a desk when its shift ended.")
class DeskCounts:
    """Counts."""

    open: int = told("Open cases.")
    overdue: int = told("Past their deadline.")
    watched: int = told("Under supervision.")
    unowned: int = told("With no department.")


def _listed(column_name: str, description: str) -> Any:
    return many(
        f"{{0}}.id = any({{1}}.{column_name})", description, order=f"array_position({{1}}.{column_name}, {{0}}.id)", limit=MOST_CASES
    )


@entity(
    "(select h.*, a.user_id as acknowledged_by, a.at as acknowledged_at from shift_handovers h"
    " left join handover_acknowledgements a on a.handover_id = h.id)",
    "What one shift left to the next. Never changed afterwards.",
)
class ShiftHandover:
    """A hand-over."""

    id: strawberry.ID = column("{0}.id", "Id.")
    at: datetime = column("{0}.at", "When.")
    from_name: str | None = column(_NAME_OF % "from_user_id", "Who handed over.")
    to_name: str | None = column(_NAME_OF % "to_user_id", "To whom; null: whoever comes.")
    text: str = column("{0}.text", "What the next shift must know.")
    counts: DeskCounts = derived("{0}.counts", lambda found: found, "Figures of that instant.")
    open_cases: list[Case] = _listed("open_ids", f"Cases open then, most urgent first, at most {MOST_CASES}; as they are now.")
    overdue_cases: list[Case] = _listed("overdue_ids", f"Cases overdue then, at most {MOST_CASES}; as they are now.")
    watched_cases: list[Case] = _listed("watched_ids", f"Cases under supervision then, at most {MOST_CASES}; as they are now.")
    acknowledged_by_name: str | None = column(_NAME_OF % "acknowledged_by", "Who took over; null until somebody has.")
    acknowledged_at: datetime | None = column("{0}.acknowledged_at", "When.")


@strawberry.input(description="Matters by their catalogue codes; left out means any.")
class MatterSelectorInput:
    """A selector."""

    kind: str | None = told("component, event or alert.", default=None)
    major: str | None = told("Code of the major class.", default=None)
    minor: str | None = told("Code of the minor class.", default=None)


@strawberry.input(description="A row of the roster.")
class SaveDutyShiftInput:
    """Input of saveDutyShift."""

    id: strawberry.ID | None = told("Row to replace; left out for a new one.", default=None)
    department_id: strawberry.ID = told("Whose people.")
    area_id: strawberry.ID | None = told("Root of the subtree it covers; left out: wherever the department acts.", default=None)
    starts_at: datetime = told("Begin.")
    ends_at: datetime = told("End, at most 32 days later.")
    head_count: int = told("How many people.")
    user_ids: list[strawberry.ID] | None = told("Those of them who have accounts.", default=None)
    on_call: bool = told("Reachable, not at work.", default=False)
    skills: list[MatterSelectorInput] | None = told("Matters it is able to handle while it runs.", default=None)


@strawberry.input(description="An admission: ended and saved anew, never changed.")
class SaveAdmissionInput:
    """Input of saveAdmission."""

    area_id: strawberry.ID = told("Root of the subtree it holds in.")
    matters: MatterSelectorInput = told("What is admitted.")
    task_class: str = told("Class of the grid's task list.")
    basis: str | None = told("Decision or list that admits it.", default=None)
    valid_from: datetime | None = told("Since when; now when left out.", default=None)
    valid_to: datetime | None = told("Until when.", default=None)


@strawberry.input(description="What one shift leaves to the next.")
class StartHandoverInput:
    """Input of startHandover."""

    text: str = told("What the next shift must know.")
    to_user_id: strawberry.ID | None = told("Who takes over, where that is known.", default=None)


@strawberry.type
class DispatchQuery:
    """Reads of the desk."""

    @strawberry.field(
        description="Shifts that overlap the time, soonest first. Needs case.dispatch; others see their own departments' (case.handle)."
    )
    async def duty_roster(
        self,
        info: Info,
        from_: Annotated[datetime, strawberry.argument(name="from")],
        to: datetime,
        department_id: strawberry.ID | None = None,
        area_id: strawberry.ID | None = None,
        first: int = 200,
    ) -> list[DutyShift]:
        """List shifts."""
        actor = await info.context.signed_in()
        own = scope_for(actor, "case.dispatch", "case.handle").department_ids | actor.departments()
        where, values = ["{0}.starts_at < %(to)s and {0}.ends_at > %(from)s"], {"from": from_, "to": to, "own": list(own)}
        if not actor.may("case.dispatch"):
            where.append("{0}.department_id = any(%(own)s)")
        if department_id:
            where.append("{0}.department_id = %(department)s")
            values["department"] = uuid_of(department_id, "departmentId")
        if area_id:
            where.append("({0}.area_id is null or exists (select from area_versions v where v.area_id = %(area)s and v.valid_from <= %(at)s"
                         " and (v.valid_to is null or v.valid_to > %(at)s) and {0}.area_id = any(v.path)))")  # fmt: skip
            values["area"] = uuid_of(area_id, "areaId")
        return await read.rows(info, where=where, values=values, order="{0}.starts_at, {0}.id", limit=first)

    @strawberry.field(description="What a department is able to handle at any time; none: it has said nothing. Needs case.dispatch.")
    async def department_skills(self, info: Info, department_id: strawberry.ID) -> list[DepartmentSkill]:
        """List skills."""
        scope_for(await info.context.actor(), "case.dispatch")
        where, values = "{0}.shift_id is null and {0}.department_id = %(id)s", {"id": uuid_of(department_id, "departmentId")}
        return await read.rows(info, where=where, values=values, order="{0}.kind, {0}.major, {0}.minor, {0}.id")

    @strawberry.field(description="Admissions in force, all or those that hold in an area. Needs case.read.")
    async def admissions(self, info: Info, area_id: strawberry.ID | None = None) -> list[Admission]:
        """List admissions."""
        scope_for(await info.context.actor(), "case.read")
        where, values = ["{0}.valid_from <= %(at)s and ({0}.valid_to is null or {0}.valid_to > %(at)s)"], dict[str, Any]()
        if area_id:
            where.append("exists (select from area_versions v where v.area_id = %(area)s and v.valid_from <= %(at)s"
                         " and (v.valid_to is null or v.valid_to > %(at)s) and {0}.area_id = any(v.path))")  # fmt: skip
            values["area"] = uuid_of(area_id, "areaId")
        return await read.rows(info, where=where, values=values, order="{0}.task_class, {0}.kind, {0}.major, {0}.minor, {0}.id")

    @strawberry.field(description="Hand-overs of the caller's desk, newest first. Needs case.dispatch.")
    async def handovers(self, info: Info, first: int = 20) -> list[ShiftHandover]:
        """List hand-overs."""
        actor = await info.context.signed_in()
        values = {"me": actor.user_id, **scope_for(actor, "case.dispatch").parameters()}
        return await read.rows(info, where=desk.READS_HANDOVER, values=values, order="{0}.at desc, {0}.id desc", limit=first)


@strawberry.type
class DispatchMutation:
    """Changes of the desk's rows."""

    @strawberry.mutation(description="Write a row of the roster. Needs case.dispatch over its area, or case.handle for its department.")
    async def save_duty_shift(self, info: Info, input: SaveDutyShiftInput) -> DutyShift:  # noqa: A002
        """Save a shift."""
        context = info.context
        actor, shift = await context.signed_in(), _shift(input)
        async with transaction(context.pool) as conn:
            await desk.save_shift(conn, actor, shift, at=context.now())
            return await read.by_id(info, shift.id, conn=conn)

    @strawberry.mutation(description="Take a shift off the roster; true. Needs what saveDutyShift needs.")
    async def remove_duty_shift(self, info: Info, id: strawberry.ID) -> bool:  # noqa: A002
        """Remove a shift."""
        context = info.context
        actor = await context.signed_in()
        async with transaction(context.pool) as conn:
            await desk.remove_shift(conn, actor, uuid_of(id, "id"), at=context.now())
        return True

    @strawberry.mutation(description="Say anew what a department is able to handle; true. Needs case.dispatch, or case.handle for it.")
    async def set_department_skills(self, info: Info, department_id: strawberry.ID, skills: list[MatterSelectorInput]) -> bool:
        """Set skills."""
        context = info.context
        actor, chosen = await context.signed_in(), [_selector(one) for one in skills]
        async with transaction(context.pool) as conn:
            await desk.set_skills(conn, actor, uuid_of(department_id, "departmentId"), chosen, at=context.now())
        return True

    @strawberry.mutation(description="Admit a kind of matter to the grids of an area. Needs case.supervise over it.")
    async def save_admission(self, info: Info, input: SaveAdmissionInput) -> Admission:  # noqa: A002
        """Save an admission."""
        context = info.context
        actor, at = await context.signed_in(), context.now()
        admission = NewAdmission(
            id=new_id(), area_id=uuid_of(input.area_id, "areaId"), matters=_selector(input.matters), task_class=input.task_class,
            basis=input.basis, valid_from=input.valid_from or at, valid_to=input.valid_to,
        )  # fmt: skip
        async with transaction(context.pool) as conn:
            await desk.save_admission(conn, actor, admission, at=at)
            return await read.by_id(info, admission.id, conn=conn)

    @strawberry.mutation(description="End an admission now; true. Needs case.supervise over its area.")
    async def remove_admission(self, info: Info, id: strawberry.ID) -> bool:  # noqa: A002
        """End an admission."""
        context = info.context
        actor = await context.signed_in()
        async with transaction(context.pool) as conn:
            await desk.end_admission(conn, actor, uuid_of(id, "id"), at=context.now())
        return True

    @strawberry.mutation(description="Show others that one has a case open, for a minute; answers who has it. Needs case.read.")
    async def claim_case(self, info: Info, case_id: strawberry.ID) -> CaseClaim:
        """Claim a case."""
        context = info.context
        actor, wanted = await context.signed_in(), uuid_of(case_id, "caseId")
        async with transaction(context.pool) as conn:
            claim = await desk.claim_case(conn, actor, wanted, at=context.now())
            found = await read.by_id(info, wanted, conn=conn)
        if claim.fresh:
            context.changed()
        return found

    @strawberry.mutation(description="Let a case go; false when it was not held. Needs case.read.")
    async def release_case(self, info: Info, case_id: strawberry.ID) -> bool:
        """Release a case."""
        context = info.context
        actor = await context.signed_in()
        async with transaction(context.pool) as conn:
            held = await desk.release_case(conn, actor, uuid_of(case_id, "caseId"), at=context.now())
        if held:
            context.changed()
        return held

    @strawberry.mutation(description="Hand one's desk over, with its figures of this instant. Needs case.dispatch.")
    async def start_handover(self, info: Info, input: StartHandoverInput) -> ShiftHandover:  # noqa: A002
        """Hand over."""
        context = info.context
        actor = await context.signed_in()
        to_user = uuid_of(input.to_user_id, "toUserId") if input.to_user_id else None
        async with transaction(context.pool) as conn:
            handover_id = await desk.start_handover(conn, actor, input.text, to_user, at=context.now())
            return await read.by_id(info, handover_id, conn=conn)

    @strawberry.mutation(description="Take a shift over, once. Needs case.dispatch.")
    async def acknowledge_handover(self, info: Info, id: strawberry.ID) -> ShiftHandover:  # noqa: A002
        """Take over."""
        context = info.context
        actor, handover_id = await context.signed_in(), uuid_of(id, "id")
        async with transaction(context.pool) as conn:
            await desk.acknowledge_handover(conn, actor, handover_id, at=context.now())
            return await read.by_id(info, handover_id, conn=conn)


def _selector(given: MatterSelectorInput) -> Selector:
    return Selector(given.kind or None, given.major or None, given.minor or None)


def _shift(given: SaveDutyShiftInput) -> Shift:
    return Shift(
        id=uuid_of(given.id, "id") if given.id else new_id(), department_id=uuid_of(given.department_id, "departmentId"),
        area_id=uuid_of(given.area_id, "areaId") if given.area_id else None, starts_at=given.starts_at, ends_at=given.ends_at,
        head_count=given.head_count, user_ids=tuple(uuid_of(one, "userIds") for one in given.user_ids or ()), on_call=given.on_call,
        skills=tuple(_selector(one) for one in given.skills or ()),
    )  # fmt: skip
