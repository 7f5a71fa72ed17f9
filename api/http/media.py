"""``GET /media/{photo_id}``: a stored photo, for staff whose case it is, and for reporters what is theirs or was released to them.

Originals show faces and plates. So seeing a case is not enough: the photo is for the unit that has the case, called units, the
grid's workers, and those who file or dispatch there; each look is written down. A reporter shows the tracking code in the
header ``Tracking-Code`` and gets the photos of that report and those of the result that staff have released. A photo outside
what one may see, one that nothing has claimed, and one that never was are the same answer: not found.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.graph.tracking import LOOKUPS, check_code
from api.http.problems import problems
from domain.errors import NotFound
from domain.field import record
from domain.flows import looking
from runtime import media, ratelimit
from runtime.database import transaction

# What is decoded by the browser must be a picture and nothing else, whatever the bytes say. It is asked for anew each
# time, so that each look is known.
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Tracking-Code",
}
CODE_HEADER: Final = "Tracking-Code"
_log = logging.getLogger(__name__)


@problems
async def photo(request: Request) -> Response:
    """Answer the photo as JPEG."""
    key = await _seen(request, request.path_params["photo_id"], at=datetime.now(UTC))
    headers = {**HEADERS, "ETag": f'"{key}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        data = await asyncio.to_thread(media.path_of(request.app.state.settings.media_dir, key).read_bytes)
    except OSError as error:
        _log.error("the file of photo %s is not readable: %s", request.path_params["photo_id"], error.strerror)
        raise _missing() from error
    return Response(data, headers=headers, media_type="image/jpeg")


async def _seen(request: Request, photo_id: UUID, *, at: datetime) -> str:
    """Give the key of a photo that may be seen, and write down that it was; raises NotFound."""
    state: Any = request.app.state
    code = request.headers.get(CODE_HEADER)
    if code is not None:
        await ratelimit.spend(state.redis, LOOKUPS, auth.client_address(request))
        check_code(code)
        async with transaction(state.pool) as conn:
            look = await looking.by_reporter(conn, code, photo_id)
            if look is not None:
                await record.view(conn, photo_id, look.case_id, user_id=None, report_id=look.report_id, at=at)
    else:
        actor = await auth.actor_of(request, at=at)
        async with transaction(state.pool) as conn:
            look = await looking.by_staff(conn, actor, photo_id)
            if look is not None and actor is not None:
                await record.view(conn, photo_id, look.case_id, user_id=actor.user_id, report_id=None, at=at)
    if look is None:
        raise _missing()
    return look.media_key


def _missing() -> NotFound:
    return NotFound("there is no such photo, or it is outside your scope", "照片不存在或不在您的权限范围内", field="photoId")


ROUTES: list[Route] = [Route("/media/{photo_id:uuid}", photo)]
