"""``POST /imports/reports``: a list of reports as CSV or XLSX; ``GET /imports/{id}`` tells how far it is. Needs case.file.

    /imports/reports?source=hotline&datum=GCJ02&dryRun=true&id=<a UUID made by the sender>    multipart, one file called ``file``

Each row is taken in or refused alone; rows that came before are recognised. A dry run checks everything and keeps nothing.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.http import body
from api.http.problems import answer, problems
from api.scalars import uuid_of
from domain.base import new_id
from domain.errors import Invalid, Unauthenticated
from domain.flows.report_import import Options
from domain.people.scope import Actor, scope_for
from geo import datum as datums
from geo.lonlat import GeoError
from runtime import ratelimit, report_import, sheets
from runtime.clock import SystemClock
from runtime.ratelimit import Limit

PERMISSION: Final = "case.file"
IMPORTS: Final = Limit("imports", 30, 600, "导入过于频繁", "imports of this account")

# Reading a workbook keeps a processor busy for seconds.
_threads: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sheet")


@problems
async def take(request: Request) -> Response:
    """Import a list and answer what became of it."""
    state = request.app.state
    actor = await _actor(request)
    scope_for(actor, PERMISSION)
    await ratelimit.spend(state.redis, IMPORTS, str(actor.user_id))
    name, data = await _file(request)
    query = request.query_params
    import_id = uuid_of(query["id"], "id") if query.get("id") else new_id()
    options = Options(source=query.get("source", "hotline"), datum=_datum(query.get("datum", "WGS84")), submitted_by=actor.user_id)
    rows = await asyncio.get_running_loop().run_in_executor(_threads, sheets.read, name, data)
    job = report_import.Job(
        id=import_id, file_name=name, data=data, rows=rows, options=options, dry_run=query.get("dryRun", "").lower() == "true"
    )
    secret = auth.signing_key(state.settings)
    told = await report_import.run(state.pool, state.jurisdictions, job, clock=SystemClock(), secret=secret)
    state.hub.poke()
    return answer(200, _named(told))


@problems
async def look(request: Request) -> Response:
    """Tell how far an import of the caller's is."""
    actor = await _actor(request)
    import_id: UUID = request.path_params["id"]
    return answer(200, _named(await report_import.look(request.app.state.pool, import_id, actor.user_id)))


async def _actor(request: Request) -> Actor:
    actor = await auth.actor_of(request, at=datetime.now(UTC))
    if actor is None:
        raise Unauthenticated("sign in first", "请先登录")
    return actor


async def _file(request: Request) -> tuple[str, bytes]:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Invalid("send multipart/form-data with one file called file", "请以表单上传文件", field="file")
    _, file = await body.read_form(request, "file", most=sheets.MAX_BYTES, most_fields=8)
    if not isinstance(file, UploadFile):
        raise Invalid("the form has no file called file", "表单中缺少文件", field="file")
    with file.file:
        return file.filename or "list", await file.read()


def _datum(name: str) -> str:
    try:
        return str(datums.parse_datum(name))
    except GeoError as error:
        raise Invalid(error.message_en, error.message_zh, field="datum") from None


def _named(told: dict[str, object]) -> dict[str, object]:
    names = {
        "id": "id", "file_name": "fileName", "source": "source", "dry_run": "dryRun", "rows_total": "total", "rows_done": "done",
        "accepted": "accepted", "repeated": "repeated", "refused": "refused", "problems": "problems", "started_at": "startedAt",
        "finished_at": "finishedAt",
    }  # fmt: skip
    return {shown: told[name] for name, shown in names.items()}


ROUTES: list[Route] = [Route("/imports/reports", take, methods=["POST"]), Route("/imports/{id:uuid}", look)]
