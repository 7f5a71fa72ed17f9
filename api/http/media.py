"""``GET /media/{photo_id}``: a stored photo, for staff who may read the reports of the case it belongs to.

A photo outside the caller's scope, one that no report has claimed, and one that never was are the same answer: not found.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.http.problems import problems
from domain.errors import NotFound
from domain.people.scope import SEES, scope_for
from runtime import media

# What is decoded by the browser must be a picture and nothing else, whatever the bytes say.
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=3600",
    "Vary": "Authorization",
}
_SEEN: Final = f"""
    select p.media_key from photos p join reports r on r.id = p.report_id join cases c on c.id = r.case_id
    where p.id = %(photo)s and {SEES.format("c")}
"""
_log = logging.getLogger(__name__)


@problems
async def photo(request: Request) -> Response:
    """Answer the photo as JPEG."""
    scope = scope_for(await auth.actor_of(request, at=datetime.now(UTC)), "report.read")
    state = request.app.state
    photo_id = request.path_params["photo_id"]
    async with state.pool.connection() as conn:
        row = await (await conn.execute(_SEEN, {"photo": photo_id, **scope.parameters()})).fetchone()
    if row is None:
        raise _missing()
    headers = {**HEADERS, "ETag": f'"{row[0]}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        data = await asyncio.to_thread(media.path_of(state.settings.media_dir, row[0]).read_bytes)
    except OSError as error:
        _log.error("the file of photo %s is not readable: %s", photo_id, error.strerror)
        raise _missing() from error
    return Response(data, headers=headers, media_type="image/jpeg")


def _missing() -> NotFound:
    return NotFound("there is no such photo, or it is outside your scope", "照片不存在或不在您的权限范围内", field="photoId")


ROUTES: list[Route] = [Route("/media/{photo_id:uuid}", photo)]
