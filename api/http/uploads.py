"""``POST /uploads``: a photo, sent before the report that will claim it. Public, rate-limited.

The answer 201 means that the photo lies on the disk, file and folder synced, and in the database. What is stored is made anew
from the pixels: position, camera and every other trace in the sender's file are gone.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.http import body
from api.http.problems import Unavailable, answer, problems
from domain.reports import photos
from domain.reports.photos import NewPhoto
from runtime import media, ratelimit
from runtime.database import transaction
from runtime.media import Picture
from runtime.ratelimit import Limit

UPLOADS: Final = Limit("upload", 120, 600, "上传过于频繁", "uploads from this address")
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

# A decoded photo may take 200 MB, so few are decoded at once and the others wait.
_threads: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="photo")
_log = logging.getLogger(__name__)


@problems
async def upload(request: Request) -> Response:
    """Take a photo in and answer its id and the claim a report needs."""
    state = request.app.state
    at = datetime.now(UTC)
    await ratelimit.spend(state.redis, UPLOADS, auth.client_address(request))
    data = await body.read_file(request, "photo", most=media.MAX_BYTES)
    picture, photo_id, claim = await keep(state, data, at=at)
    content = {
        "photoId": photo_id,
        "claim": claim,
        "width": picture.width,
        "height": picture.height,
        "takenAt": picture.taken_at,
    }
    return answer(201, content)


async def keep(state: State, data: bytes, *, at: datetime) -> tuple[Picture, UUID, str]:
    """Decode a photo and store it, in a transaction of its own; gives it with its id and the claim a report needs."""
    picture = await asyncio.get_running_loop().run_in_executor(_threads, media.decode, data)
    new = NewPhoto(
        media_key=picture.key,
        width=picture.width,
        height=picture.height,
        byte_count=len(picture.data),
        taken_at=picture.taken_at,
        likeness=picture.likeness,
    )
    async with transaction(state.pool) as conn:
        await photos.lock_file(conn, picture.key)
        await _store(state, picture)
        photo_id, claim = await photos.add(conn, new, at=at)
    return picture, photo_id, claim


async def _store(state: State, picture: Picture) -> None:
    try:
        await asyncio.to_thread(media.store, state.settings.media_dir, picture)
    except OSError as error:
        _log.error("a photo could not be stored: %s", error.strerror)
        reason = "the disk for photos is full" if error.errno in FULL else "the photo could not be stored"
        raise Unavailable(f"{reason}; report without a photo or try later", "照片暂时无法保存，请稍后重试或不带照片提交") from error


ROUTES: list[Route] = [Route("/uploads", upload, methods=["POST"])]
