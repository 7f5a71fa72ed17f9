"""The table of roles: what each may do. Where it may do it stands in ``user_roles``.

A permission is a word a door or an action asks for; nothing else in the product decides what a role may do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Role:
    """One row of the table: a role, its two names and its permissions."""

    name: str
    name_zh: str
    name_en: str
    permissions: frozenset[str]


def _role(name: str, name_zh: str, name_en: str, *permissions: str) -> Role:
    return Role(name, name_zh, name_en, frozenset(permissions))


ROLES: Final = (
    _role("dispatcher", "调度员", "Dispatcher", "case.read", "case.file", "case.dispatch", "case.merge", "case.supervise", "report.read", "report.staff", "alert.read", "alert.raise", "device.read", "delivery.read"),
    _role("supervisor", "监督员", "Supervisor", "case.read", "case.file", "case.verify", "case.approve", "case.supervise", "case.merge", "report.read", "report.staff", "alert.read"),
    _role("clerk", "部门经办人", "Department clerk", "case.read", "case.handle", "report.read"),
    _role("grid_worker", "网格员", "Grid worker", "case.read", "case.check", "case.handle", "report.read", "report.staff"),
    _role("rail_guard", "护路员", "Rail guard", "case.read", "case.check", "case.handle", "report.staff", "alert.read", "alert.raise"),
    _role("rail_office", "护路办", "Rail-protection office", "case.read", "case.file", "case.dispatch", "case.supervise", "report.read", "report.staff", "alert.read", "alert.raise", "device.read"),
    _role("area_admin", "区划管理员", "Area administrator", "area.import", "case.read"),
    _role("leader", "领导", "Leader", "case.read", "case.supervise", "alert.read"),
    _role("system_admin", "系统管理员", "System administrator", "user.manage", "area.import", "device.manage", "figure.manage", "delivery.read", "delivery.manage"),
)

ROLE_NAMES: Final = tuple(role.name for role in ROLES)
BY_NAME: Final = {role.name: role for role in ROLES}
PERMISSIONS: Final = tuple(sorted({permission for role in ROLES for permission in role.permissions}))
