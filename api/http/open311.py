"""Open311 GeoReport v2: the city's door for other reporting systems. ``/open311/discovery.xml`` says where it is.

Lists, definitions and requests are public and say what the public may know (``domain/connectors/open311.py``); posting needs an
``api_key``. Positions are WGS 84 as the spec says, or in the datum that the extra parameter ``datum`` declares; answers are always
WGS 84. Further extensions: ``page`` and ``page_size``; a photo as ``media`` of a multipart form; an ``Idempotency-Key`` header;
``wait_for_place=true``, with which an unclear address is kept and answered with a token; ``servicerequestupdates``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.http import open311_form as form
from api.http import uploads
from api.http.open311_format import answering, instant, written
from domain.base import Conn
from domain.cases.lifecycle import BY_VERB, ENDED_STATES, STATE_NAMES
from domain.connectors import clients, open311
from domain.connectors.clients import Client
from domain.connectors.open311 import Service
from domain.errors import Forbidden, NotFound
from domain.flows import open311_intake
from domain.flows.open311_intake import CONDITION, Taken
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit

SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
READS: Final = Limit("open311_read", 600, 60, "查询过于频繁", "Open311 reads from this address")
SENDERS: Final = Limit("open311_sender", 1200, 60, "上报过于频繁", "Open311 requests from this address")
POSTS: Final = Limit("open311_post", 600, 60, "上报过于频繁", "Open311 requests of this key")
BAD_KEYS: Final = Limit("open311_key", 30, 60, "api_key 错误次数过多", "wrong api_keys from this address")
UNITS: Final[Mapping[str, tuple[str, str]]] = {
    "urgent_hour": ("小时（含夜间及节假日）", "hours, nights and holidays included"),
    "urgent_day": ("个自然日", "natural days"),
    "work_hour": ("个工作时", "working hours"),
    "work_day": ("个工作日", "working days"),
}


@answering
async def discovery(request: Request, format_: str) -> Response:
    """Say where the endpoint is, what it speaks and when its services last changed."""
    async with request.app.state.pool.connection() as conn:
        stamp = await open311.changeset(conn)
    base = str(request.base_url).rstrip("/")
    endpoint = {
        "specification": SPECIFICATION, "url": f"{base}/open311/v2", "changeset": stamp, "type": "production",
        "formats": ["text/xml", "application/json"],
    }  # fmt: skip
    told = "Ask the operator of this city's system / 请联系本市系统管理单位"
    content = {"changeset": stamp, "contact": told, "key_service": f"{told}: ./gridwarden connectors add", "endpoints": [endpoint]}
    return written(format_, "discovery", content)


@answering
async def services(request: Request, format_: str) -> Response:
    """List what may be reported."""
    async with await _reading(request) as conn:
        found = await open311.services(conn)
    return written(format_, "services", [_service(service) for service in found])


@answering
async def definition(request: Request, format_: str) -> Response:
    """Describe the filing conditions of a service, from which the reporter may choose."""
    async with await _reading(request) as conn:
        service = await open311_intake.service_of(conn, request.path_params["code"])
    return written(format_, "service_definition", {"service_code": service.code, "attributes": _attributes(service)})


@answering
async def requests(request: Request, format_: str) -> Response:
    """List requests, newest first: those of the last 90 days unless asked otherwise, at most 1000."""
    async with await _reading(request) as conn:
        found = await open311.requests(conn, form.wanted(request.query_params, at=datetime.now(UTC)))
    return written(format_, "service_requests", [_request(row) for row in found])


@answering
async def request_by_number(request: Request, format_: str) -> Response:
    """Answer one request, as a list of one."""
    number = request.path_params["number"]
    async with await _reading(request) as conn:
        found = await open311.requests(conn, form.only([number], at=datetime.now(UTC)))
    if not found:
        raise NotFound("there is no such service_request_id", "没有该 service_request_id", field="service_request_id")
    return written(format_, "service_requests", [_request(row) for row in found])


@answering
async def updates(request: Request, format_: str) -> Response:
    """List what changed, oldest first, in the last 7 days or in as long a time: FixMyStreet's extension, also below one request."""
    at = datetime.now(UTC)
    number = request.path_params.get("number")
    async with await _reading(request) as conn:
        wanted = form.only([number], at=at) if number else form.wanted(request.query_params, at=at, longest=open311.UPDATES_SPAN)
        found = await open311.updates(conn, wanted)
    return written(format_, "service_request_updates", [_update(row) for row in found])


@answering
async def token(request: Request, format_: str) -> Response:
    """Answer the number a token stands for; while it waits for its place there is none yet."""
    asked = request.path_params["token"]
    async with await _reading(request) as conn:
        try:
            number = await open311_intake.number_of(conn, UUID(asked))
        except ValueError:
            raise NotFound("there is no such token", "没有该 token", field="token") from None
    return written(format_, "service_requests", [{"service_request_id": number, "token": asked}])


@answering
async def post(request: Request, format_: str) -> Response:
    """Take a request in; sent again, it is the same one and has the same answer."""
    state = request.app.state
    await ratelimit.spend(state.redis, SENDERS, auth.client_address(request))  # the key comes with the body, so before it
    given, photo = await form.read(request)
    client = await _client(request, given.get("api_key", ""))
    async with state.pool.connection() as conn:
        await _check_jurisdiction(conn, given.get("jurisdiction_id", ""))
    resend_key = form.resend_key(request)
    await ratelimit.spend(state.redis, POSTS, str(client.id))
    at = datetime.now(UTC)
    claim, photo_hash = None, ""
    if photo:
        picture, _, claim = await uploads.keep(state, photo, at=at)
        photo_hash = picture.key
    wanted = form.request_of(given, photo_claim=claim, photo_hash=photo_hash)
    async with transaction(state.pool) as conn:
        secret = auth.signing_key(state.settings)
        taken = await open311_intake.post(conn, state.jurisdictions, client, wanted, resend_key=resend_key, at=at, secret=secret)
        service = await open311_intake.service_of(conn, wanted.service_code)
    state.hub.poke()
    return written(format_, "service_requests", [_taken(taken, service)])


async def _reading(request: Request) -> Any:
    """Lend a connection to a public read, once its sender and its jurisdiction are found to be right."""
    state = request.app.state
    await ratelimit.spend(state.redis, READS, auth.client_address(request))
    if asked := request.query_params.get("jurisdiction_id", ""):
        async with state.pool.connection() as conn:
            await _check_jurisdiction(conn, asked)
    return state.pool.connection()


async def _client(request: Request, key: str) -> Client:
    state = request.app.state
    async with state.pool.connection() as conn:
        client = await clients.by_key(conn, "open311", key)
    if client is None:
        await ratelimit.spend(state.redis, BAD_KEYS, auth.client_address(request))
        raise Forbidden("the api_key is missing, unknown or switched off", "api_key 缺失、无效或已停用", field="api_key")
    return client


async def _check_jurisdiction(conn: Conn, asked: str) -> None:
    """Accept the code of this city, or none: there is only one here. Raises NotFound for another."""
    if asked and asked not in (known := await open311.city_codes(conn)):
        raise NotFound(f"there is no jurisdiction {asked[:40]!r} here; it is {', '.join(known)}", "没有该管辖区", field="jurisdiction_id")


def _service(service: Service) -> dict[str, object]:
    words = [name for name in (service.name_en, service.group) if name]
    wordings = "；".join(wording for _, wording, _, _ in service.conditions)
    return {
        "service_code": service.code, "service_name": service.name, "description": wordings or service.name,
        "metadata": len(service.conditions) > 1, "type": "realtime", "keywords": ", ".join(words), "group": service.group,
    }  # fmt: skip


def _attributes(service: Service) -> list[dict[str, object]]:
    if len(service.conditions) < 2:
        return []
    values = [{"key": str(ord_), "name": wording} for ord_, wording, _, _ in service.conditions]
    return [
        {
            "variable": True, "code": CONDITION, "datatype": "singlevaluelist", "required": False, "datatype_description": None,
            "order": 1, "description": "哪种情形最接近？ / Which of these is it closest to?", "values": values,
        }
    ]  # fmt: skip


def _request(row: Mapping[str, Any]) -> dict[str, object]:
    status = "closed" if row["closed_at"] else "open"
    return {
        "service_request_id": row["number"], "status": status,
        "status_notes": " / ".join(STATE_NAMES[row["state"]]), "service_name": row["name"] or row["title"],
        "service_code": row["code"] or open311.OTHER, "description": row["description"],
        "agency_responsible": row["agency"], "service_notice": None,
        "requested_datetime": instant(row["opened_at"]), "updated_datetime": instant(row["updated_at"]),
        "expected_datetime": instant(row["due_at"]), "address": row["address"], "address_id": None, "zipcode": None,
        "lat": row["lat"], "long": row["lon"], "media_url": None,
    }  # fmt: skip


def _update(row: Mapping[str, Any]) -> dict[str, object]:
    step = BY_VERB.get(row["verb"])
    return {
        "update_id": str(row["id"]), "service_request_id": row["number"], "status": "closed" if row["to_state"] in ENDED_STATES else "open",
        "updated_datetime": instant(row["at"]), "description": f"{step.zh} / {step.en}" if step else "受理 / Taken in", "media_url": None,
    }  # fmt: skip


def _taken(taken: Taken, service: Service) -> dict[str, object]:
    return {
        **({"service_request_id": taken.number} if taken.number else {"token": str(taken.token)}),
        "service_notice": _notice(service.conditions, taken),
        "account_id": None,
    }


def _notice(conditions: Sequence[tuple[int, str, int, str]], taken: Taken) -> str:
    parts = []
    if conditions:
        _, _, amount, unit = conditions[0]
        zh, en = UNITS[unit]
        parts.append(f"立案后 {amount} {zh}内处置 / To be handled within {amount} {en} after it is filed.")
    if taken.tracking_code:
        parts.append(f"查询码 / Tracking code: {taken.tracking_code}")
    if taken.number is None:
        parts.append("地址待人工确认 / Waiting for somebody to find the address.")
    return " ".join(parts)


_BASE: Final = "/open311/v2"
ROUTES: list[Route] = [
    Route("/open311/discovery.{format}", discovery),
    Route(f"{_BASE}/discovery.{{format}}", discovery),
    Route(f"{_BASE}/services.{{format}}", services),
    Route(f"{_BASE}/services/{{code}}.{{format}}", definition),
    Route(f"{_BASE}/requests.{{format}}", requests),
    Route(f"{_BASE}/requests.{{format}}", post, methods=["POST"]),
    Route(f"{_BASE}/requests/{{number}}/updates.{{format}}", updates),
    Route(f"{_BASE}/requests/{{number}}.{{format}}", request_by_number),
    Route(f"{_BASE}/tokens/{{token}}.{{format}}", token),
    Route(f"{_BASE}/servicerequestupdates.{{format}}", updates),
]
