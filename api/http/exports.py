"""``GET /exports/cases.{csv,xlsx}``: the cases the caller may see, filtered by the names of ``CaseFilter``. Needs case.read.

    /exports/cases.xlsx?open=true&areaId=...&states=filed,dispatched&openedAfter=2026-11-01T00:00:00Z&lang=en

The file is made before it is sent, so that a slow reader holds no connection to the database.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final, get_args, get_type_hints

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from strawberry.utils.str_converters import to_camel_case

from api import auth
from api.graph.cases import CaseFilter, conditions
from api.http.problems import problems
from domain.errors import Invalid, NotFound
from domain.people.scope import SEES, scope_for
from runtime import case_list, ratelimit
from runtime.ratelimit import Limit
from runtime.sheets import CsvFile, XlsxFile

EXPORTS: Final = Limit("exports", 30, 600, "导出过于频繁", "exports of this account")
AT_ONCE: Final = asyncio.Semaphore(2)
PIECE: Final = 256 * 1024
_TYPES: Final = {to_camel_case(name): (name, hint) for name, hint in get_type_hints(CaseFilter).items()}


@problems
async def cases(request: Request) -> Response:
    """Answer the file."""
    state, format_ = request.app.state, request.path_params["format"]
    at = datetime.now(UTC)
    actor = await auth.actor_of(request, at=at)
    scope = scope_for(actor, "case.read")
    if format_ not in case_list.FORMATS:
        raise NotFound(f"a list is written as {' or '.join(case_list.FORMATS)}", "仅支持 CSV 与 XLSX", field="format")
    query = dict(request.query_params)
    bom, language = query.pop("bom", "true") != "false", query.pop("lang", "zh")
    where, values = conditions(filter_of(query), actor)
    await ratelimit.spend(state.redis, EXPORTS, str(actor.user_id if actor else ""))
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the last piece is sent
    try:
        async with AT_ONCE, state.pool.connection() as conn:
            seen = [SEES.format("c"), *(one.format("c") for one in where)]
            given = {"at": at, **values, **scope.parameters()}
            await case_list.write(conn, file, format_, seen, given, bom=bom, language=language)
    except BaseException:
        file.close()
        raise
    name = f"cases-{at:%Y%m%d-%H%M%S}.{format_}"
    media_type = (XlsxFile if format_ == "xlsx" else CsvFile).media_type
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(file.tell()), "Cache-Control": "no-store"}
    return StreamingResponse(_pieces(file), media_type=media_type, headers=headers)


def filter_of(query: Mapping[str, str]) -> CaseFilter:
    """Read a filter from query parameters with the names it has in GraphQL; raises Invalid naming the parameter."""
    given: dict[str, Any] = {}
    for name, text in query.items():
        if name not in _TYPES:
            raise Invalid(f"unknown filter {name[:40]!r}; known: {', '.join(_TYPES)}", f"未知的筛选条件 {name[:40]!r}", field=name[:40])
        field, hint = _TYPES[name]
        kind = next(one for one in get_args(hint) if one is not type(None))
        try:
            given[field] = _value(text, kind)
        except (ValueError, OverflowError):
            raise Invalid(f"{name} cannot be read: {text[:40]!r}", f"{name} 的值无效", field=name) from None
    return CaseFilter(**given)


def _value(text: str, kind: Any) -> Any:
    if kind is bool:
        return {"true": True, "false": False}[text] if text in ("true", "false") else _refuse()
    if kind is int:
        return int(text)
    if kind is datetime:
        instant = datetime.fromisoformat(text.replace(" ", "+"))
        return instant.astimezone(UTC) if instant.tzinfo else _refuse()
    if kind in (list[str], list[float]):
        return [get_args(kind)[0](part) for part in text.split(",")]
    return text


def _refuse() -> Any:
    raise ValueError


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


ROUTES: list[Route] = [Route("/exports/cases.{format}", cases)]
