"""Who could take a case: the figures read in one statement, ranked by the pure rules; and who must not get it at all.

The same figures serve the dispatcher's list, the accept timer's next unit and the guard every dispatch passes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.base import Conn
from domain.dispatch.ranking import Ranked, Unit, rank
from domain.errors import Invalid

NOT_ADMITTED: Final = "not_admitted"
NOT_THEIRS: Final = "not_theirs"
REFUSED: Final = (NOT_ADMITTED, NOT_THEIRS)

# A selector's part fits when it is empty or equal; nothing but the all-embracing fits a matter that is not known yet.
_FITS: Final = (
    "coalesce({0}.kind = m.kind, {0}.kind is null) and coalesce({0}.major = m.major, {0}.major is null)"
    " and coalesce({0}.minor = m.minor, {0}.minor is null)"
)
_NAMED: Final = "({0}.kind is not null)::int + ({0}.major is not null)::int + ({0}.minor is not null)::int"
_IN_FORCE: Final = "{0}.valid_from <= %(at)s and ({0}.valid_to is null or {0}.valid_to > %(at)s)"
_SKILL_NOW: Final = (
    "(k.shift_id is null or exists (select from duty_shifts s where s.id = k.shift_id and s.starts_at <= %(at)s and s.ends_at > %(at)s))"
)
_SHIFT_NOW: Final = (
    "s.department_id = d.id and s.starts_at <= %(at)s and s.ends_at > %(at)s and (s.area_id is null or s.area_id = any(c.area_ids))"
)
_ADMITTED: Final = f"{_FITS.format('a')} and m.id is not null"
_ADMISSION: Final = f"case when count(*) = 0 then 'open' when bool_or({_ADMITTED}) then 'admitted' else 'refused' end as state"

# One JSON object of figures; the case is ``c``: id, area_ids, matter_id, department_id, about_department_id, filed_at.
_UNITS: Final = f"""
select json_build_object('first', coalesce((
    select r.first from routing_rules r where r.kind = coalesce(m.kind, 'event') and {_IN_FORCE.format("r")}
    order by r.valid_from desc, r.version desc limit 1), 'territory'), 'units', coalesce((
  select json_agg(json_build_object(
    'id', d.id, 'code', d.code, 'name', d.name, 'name_en', d.name_en, 'kind', d.kind, 'active', d.active, 'serves_grids', d.serves_grids,
    'complained_of', coalesce(d.id = c.about_department_id, false), 'has_it', coalesce(d.id = c.department_id, false),
    'had_it', exists (select from case_transitions t where t.case_id = c.id and t.department_id = d.id
                      and t.verb in ('dispatch', 'transfer', 'pass_on') and t.at >= coalesce(c.filed_at, '-infinity')),
    'duties', duty.found,
    'keeps_roster', exists (select from duty_shifts s where s.department_id = d.id and s.ends_at > %(at)s - interval '7 days'),
    'on_duty', roster.on_duty, 'on_call', roster.on_call, 'open_cases', load.open_cases, 'overdue_cases', load.overdue,
    'skills', skill.said, 'fitting', skill.fitting, 'admission', admission.state, 'task_class', admission.task_class))
  from departments d,
  lateral (select coalesce(json_agg(json_build_array(u.capacity, v.depth, {_NAMED.format("u")})), '[]') as found
           from duties u join lateral (select array_length(v.path, 1) as depth from area_versions v where v.area_id = u.area_id
                                       and {_IN_FORCE.format("v")} limit 1) v on true
           where u.department_id = d.id and u.area_id = any(c.area_ids) and {_IN_FORCE.format("u")} and {_FITS.format("u")}) duty,
  lateral (select count(*) as said, count(*) filter (where {_FITS.format("k")} and ({_NAMED.format("k")}) > 0) as fitting
           from department_skills k where k.department_id = d.id and {_SKILL_NOW}) skill,
  lateral (select coalesce(sum(s.head_count) filter (where not s.on_call), 0) as on_duty,
                  coalesce(sum(s.head_count) filter (where s.on_call), 0) as on_call from duty_shifts s where {_SHIFT_NOW}) roster,
  lateral (select count(*) as open_cases, count(*) filter (where o.due_at <= %(at)s) as overdue from cases o
           where o.department_id = d.id and o.closed_at is null and o.state in ('dispatched', 'accepted', 'handling')) load
  where d.active and (json_array_length(duty.found) > 0 or skill.fitting > 0)), '[]'::json))
from (select 1) one left join matters m on m.id = c.matter_id,
lateral (select {_ADMISSION}, min(a.task_class) filter (where {_ADMITTED}) as task_class
         from admissions a where a.area_id = any(c.area_ids) and {_IN_FORCE.format("a")}) admission
"""
_NEXT: Final = f"select ({_UNITS}) from cases c where c.id = %(id)s"
_TARGETS: Final = f"""
select d.name, d.serves_grids, admission.state, m.id is null, (
    select count(*) filter (where {_FITS.format("x")}) > 0 or count(*) = 0 from (
        select u.kind, u.major, u.minor from duties u
        where u.department_id = d.id and u.area_id = any(%(areas)s) and {_IN_FORCE.format("u")}
        union all select k.kind, k.major, k.minor from department_skills k where k.department_id = d.id and {_SKILL_NOW}) x)
from departments d left join matters m on m.id = %(matter)s::uuid,
lateral (select {_ADMISSION} from admissions a where a.area_id = any(%(areas)s) and {_IN_FORCE.format("a")}) admission
where d.id = any(%(targets)s) and (d.serves_grids or d.kind = 'external') order by d.code
"""


def units_sql(alias: str) -> str:
    """Write the figures of a case's possible units as one JSON value; ``alias`` is that of the case's row."""
    columns = ("id", "area_ids", "matter_id", "department_id", "about_department_id", "filed_at")
    return f"(select ({_UNITS}) from (select {', '.join(f'{alias}.{name}' for name in columns)}) c)"


def ranked(figures: Mapping[str, Any]) -> list[Ranked]:
    """Rank the units of figures read by ``units_sql``."""
    units = [Unit(**{**one, "id": UUID(one["id"]), "duties": tuple(map(tuple, one["duties"]))}) for one in figures["units"]]
    return rank(units, first=figures["first"])


async def next_unit(conn: Conn, case_id: UUID, *, at: datetime) -> UUID | None:
    """Give the best unit that has not had the case since it was filed; None when nobody is left to try."""
    row = await (await conn.execute(_NEXT, {"id": case_id, "at": at})).fetchone()
    left = [one for one in ranked(row[0]) if not one.unit.had_it] if row else []
    return left[0].unit.id if left else None


async def check_targets(
    conn: Conn, targets: Collection[UUID], *, area_ids: Sequence[UUID], matter_id: UUID | None, at: datetime
) -> None:
    """Check that these departments may be given a matter at a place, by whatever verb they get it.

    Grids get admitted matters only (where any list of admissions holds), outside bodies none beyond what is on record for
    them. Raises Invalid with the code ``not_admitted`` or ``not_theirs``.
    """
    values = {"targets": list(targets), "areas": list(area_ids), "matter": matter_id, "at": at}
    for name, serves_grids, admission, unknown, theirs in await (await conn.execute(_TARGETS, values)).fetchall():
        if serves_grids and admission == "refused":
            if unknown:
                message = f"name the matter first: only admitted matters may be sent to grids ({name})"
                raise Invalid(message, f"请先定性：只有准入事项才能派给网格（{name}）", field="departmentId", code=NOT_ADMITTED)
            message = f"this matter is not admitted to grids, so it cannot be sent to {name}"
            raise Invalid(message, f"该事项未列入网格准入清单，不能派给{name}", field="departmentId", code=NOT_ADMITTED)
        if not theirs:
            message = f"{name} is an outside body and this matter is not on record for it"
            raise Invalid(message, f"{name}为外部单位，没有登记该事项的职责", field="departmentId", code=NOT_THEIRS)
