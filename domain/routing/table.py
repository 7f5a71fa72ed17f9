"""The routing table: departments, duties, matters, conditions and rules in force, read once and asked in memory.

Any change to these tables raises ``routing_state.version`` (a trigger does it), which tells every process to read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.base import Conn

_MATTERS = "select id, kind, major, minor, name, enabled from matters"
_CONDITIONS = "select matter_id, id, limit_amount, limit_unit, wording from filing_conditions order by matter_id, ord"
_DEPARTMENTS = "select id, code, name from departments where active"
_DUTIES = """
select id, department_id, area_id, capacity, kind, major, minor from duties
where valid_from <= %(at)s and (valid_to is null or valid_to > %(at)s)
"""
_RULES = """
select distinct on (kind) kind, code, version, first, second from routing_rules
where valid_from <= %(at)s and (valid_to is null or valid_to > %(at)s) order by kind, valid_from desc, version desc
"""
_STATE = "select version from routing_state"
_NEXT_CHANGE = """
select min(t) from (
    select min(valid_from) as t from duties where valid_from > %(at)s union all
    select min(valid_to) from duties where valid_to > %(at)s union all
    select min(valid_from) from routing_rules where valid_from > %(at)s union all
    select min(valid_to) from routing_rules where valid_to > %(at)s
) s
"""


@dataclass(frozen=True, slots=True)
class Condition:
    """A filing condition's limit."""

    id: UUID
    amount: int
    unit: str
    wording: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """One entry of the catalogue, with the filing condition used until somebody chooses another."""

    id: UUID
    kind: str
    major: str
    minor: str
    name: str
    enabled: bool
    condition: Condition | None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Department:
    """A department that may be given work."""

    id: UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Duty:
    """A department answers for matters (None: any) in a subtree of areas, as owner or for the territory."""

    id: UUID
    department_id: UUID
    area_id: UUID
    capacity: str
    kind: str | None
    major: str | None
    minor: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """Which capacity is asked first for a kind of matter."""

    code: str
    version: int
    first: str
    second: str | None


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Everything needed to choose a department, as it was at one version."""

    version: int
    valid_until: datetime | None
    matters: Mapping[UUID, Matter]
    alert_matters: Mapping[str, Matter]
    departments: Mapping[UUID, Department]
    duties: Mapping[tuple[str, UUID], Sequence[Duty]]
    rules: Mapping[str, Rule]

    def is_current(self, version: int, at: datetime) -> bool:
        """Tell whether nothing has changed since, nor come into force by ``at``."""
        return self.version == version and (self.valid_until is None or at < self.valid_until)


async def load(conn: Conn, *, at: datetime) -> RoutingTable:
    """Read the routing table in force at ``at``."""
    ((version,),) = await (await conn.execute(_STATE)).fetchall()
    conditions: dict[UUID, list[Condition]] = {}
    for row in await (await conn.execute(_CONDITIONS)).fetchall():
        conditions.setdefault(row[0], []).append(Condition(*row[1:]))
    matters = {
        matter_id: _matter(matter_id, kind, major, minor, name, enabled, conditions.get(matter_id, []))
        for matter_id, kind, major, minor, name, enabled in await (await conn.execute(_MATTERS)).fetchall()
    }
    departments = {row[0]: Department(*row) for row in await (await conn.execute(_DEPARTMENTS)).fetchall()}
    duties: dict[tuple[str, UUID], list[Duty]] = {}
    for row in await (await conn.execute(_DUTIES, {"at": at})).fetchall():
        duty = Duty(*row)
        if duty.department_id in departments:
            duties.setdefault((duty.capacity, duty.area_id), []).append(duty)
    rules = {row[0]: Rule(*row[1:]) for row in await (await conn.execute(_RULES, {"at": at})).fetchall()}
    ((until,),) = await (await conn.execute(_NEXT_CHANGE, {"at": at})).fetchall()
    alerts = {matter.minor: matter for matter in matters.values() if matter.kind == "alert"}
    return RoutingTable(version, until, matters, alerts, departments, duties, rules)


def _matter(
    matter_id: UUID, kind: str, major: str, minor: str, name: str, enabled: bool, conditions: Sequence[Condition]
) -> Matter:
    return Matter(matter_id, kind, major, minor, name, enabled, conditions[0] if conditions else None, tuple(conditions))
