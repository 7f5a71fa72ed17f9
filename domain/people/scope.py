"""Who is asking, and what they may see: the only place that makes a Scope.

A query that reads protected rows takes a ``Scope``; since nothing outside this file can make one, a read that forgot to ask does
not type-check and does not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.errors import Forbidden, Unauthenticated
from domain.people.roles import BY_NAME

_MINT: Final = object()


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held over an area subtree, for a department, or (both None) over the whole city."""

    role: str
    area_id: UUID | None
    department_id: UUID | None


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in member of staff and what was granted to them."""

    user_id: UUID
    username: str
    display_name: str
    department_id: UUID | None
    grants: tuple[Grant, ...]

    def may(self, permission: str) -> bool:
        """Tell whether any grant carries the permission, wherever it holds."""
        return any(permission in BY_NAME[grant.role].permissions for grant in self.grants)

    def departments(self) -> frozenset[UUID]:
        """Give the departments this person belongs to or acts for."""
        return frozenset(d for d in (self.department_id, *(grant.department_id for grant in self.grants)) if d is not None)


class Scope:
    """Rows somebody may see: everything, or those in given area subtrees or of given departments."""

    __slots__ = ("area_ids", "department_ids", "everything", "own_ids")

    def __init__(
        self, mint: object, *, everything: bool, area_ids: Iterable[UUID], department_ids: Iterable[UUID], own_ids: Iterable[UUID]
    ) -> None:
        if mint is not _MINT:
            raise TypeError("only domain.people.scope may make a Scope; call scope_for(actor, permission)")
        self.everything = everything
        self.area_ids = frozenset(area_ids)
        self.department_ids = frozenset(department_ids)
        self.own_ids = frozenset(own_ids)

    def allows(self, area_ids: Iterable[UUID], department_ids: Iterable[UUID]) -> bool:
        """Tell whether a thing lying in these areas and owned by these departments is inside the scope."""
        return self.everything or not self.area_ids.isdisjoint(area_ids) or not self.department_ids.isdisjoint(department_ids)

    def key(self) -> tuple[bool, tuple[UUID, ...], tuple[UUID, ...], tuple[UUID, ...]]:
        """Give a hashable value equal for equal scopes: viewers with the same key may share one serialisation."""
        return (self.everything, tuple(sorted(self.area_ids)), tuple(sorted(self.department_ids)), tuple(sorted(self.own_ids)))

    def parameters(self) -> dict[str, object]:
        """Give the values of SEES, for a statement's named parameters."""
        return {
            "scope_all": self.everything, "scope_areas": list(self.area_ids), "scope_departments": list(self.department_ids),
            "scope_own": list(self.own_ids),
        }  # fmt: skip


NOTHING: Final[Mapping[str, object]] = {"scope_all": False, "scope_areas": [], "scope_departments": [], "scope_own": []}

# The one condition under which a case is seen; format with the row's alias. Whom a complaint is about never sees it,
# whatever else they may see.
SEES: Final = (
    "((%(scope_all)s or {0}.area_ids && %(scope_areas)s::uuid[] or {0}.department_id = any(%(scope_departments)s::uuid[])"
    " or {0}.party_ids && %(scope_departments)s::uuid[])"
    " and ({0}.about_department_id is null or {0}.about_department_id <> all(%(scope_own)s::uuid[])))"
)


def scope_for(actor: Actor | None, permission: str, *others: str) -> Scope:
    """Mint the scope in which the actor holds a permission, or any of several.

    Raises Unauthenticated when nobody is signed in, Forbidden when no grant carries the permission.
    """
    if actor is None:
        raise Unauthenticated("sign in first", "请先登录")
    wanted = {permission, *others}
    grants = [grant for grant in actor.grants if not wanted.isdisjoint(BY_NAME[grant.role].permissions)]
    if not grants:
        raise Forbidden(f"your roles do not allow {permission}", "您的角色无权进行此操作", field=permission)
    return Scope(
        _MINT,
        everything=any(grant.area_id is None and grant.department_id is None for grant in grants),
        area_ids=(grant.area_id for grant in grants if grant.area_id is not None),
        department_ids=(grant.department_id for grant in grants if grant.department_id is not None),
        own_ids=actor.departments(),
    )
