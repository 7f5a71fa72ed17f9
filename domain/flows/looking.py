"""Who may look at an original photo: by assignment, not by mere sight of the case; and a reporter at what is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.base import Conn
from domain.flows.reporters import UP
from domain.people.scope import SEES, Actor, scope_for
from domain.reports.intake import tracking_hash

# A photo of a report needs report.read; one of field work is for whoever may see the case.
_STAFF: Final = f"""
select p.media_key, c.id, r.id
from photos p left join reports r on r.id = p.report_id left join case_notes n on n.id = p.note_id
join cases c on c.id = coalesce(r.case_id, n.case_id)
where p.id = %(photo)s and {SEES.format("c")} and (r.id is null or {{reads}})
  and (c.department_id = any(%(own)s::uuid[]) or c.party_ids && %(own)s::uuid[] or {{near}})
"""
_REPORTER: Final = f"""
select p.media_key, coalesce(x.case_id, n.case_id), r.id
from reports r join photos p on p.id = %(photo)s
left join reports x on x.id = p.report_id left join case_notes n on n.id = p.note_id
where r.tracking_hash = %(hash)s
  and (p.report_id = r.id or p.role = 'after' and p.released_at is not null
       and n.case_id in ({UP.format("r.case_id")} select id from up))
"""
# Who files, dispatches or verifies somewhere, and the workers of a grid, are assigned to all cases there.
ASSIGNED_BY_AREA: Final = ("case.file", "case.check", "case.verify")


@dataclass(frozen=True, slots=True)
class Look:
    """A photo that may be seen; ``report_id`` is that of the code it was asked for with, or of the photo itself."""

    media_key: str
    case_id: UUID
    report_id: UUID | None


async def by_staff(conn: Conn, actor: Actor | None, photo_id: UUID) -> Look | None:
    """Find a photo for a member of staff; None when there is none for them. Raises Unauthenticated and Forbidden."""
    scope = scope_for(actor, "case.read", "report.read")
    if actor is None:
        raise AssertionError("scope_for refuses nobody")
    values: dict[str, object] = {"photo": photo_id, "own": list(actor.departments()), **scope.parameters()}
    reads, near = (_also(actor, values, *one) for one in (("reads", "report.read"), ("near", *ASSIGNED_BY_AREA)))
    return _look(await (await conn.execute(_STAFF.format(reads=reads, near=near), values)).fetchone())


def _also(actor: Actor, values: dict[str, object], name: str, *permissions: str) -> str:
    """Write the condition under which the case is seen with other permissions, and add its values under a name of their own."""
    if not any(actor.may(permission) for permission in permissions):
        return "false"
    values |= {key.replace("scope_", f"{name}_"): value for key, value in scope_for(actor, *permissions).parameters().items()}
    return SEES.format("c").replace("%(scope_", f"%({name}_")


async def by_reporter(conn: Conn, code: str, photo_id: UUID) -> Look | None:
    """Find a photo for whoever has a tracking code; None when it is not theirs and not released to them."""
    return _look(await (await conn.execute(_REPORTER, {"photo": photo_id, "hash": tracking_hash(code)})).fetchone())


def _look(row: tuple[str, UUID, UUID | None] | None) -> Look | None:
    return Look(*row) if row else None
