"""``POST /handovers`` and ``GET /handovers/{id}``: 12345, 110 and their like hand over what is ours, and ask how far it is.

    X-Connector-Key: gwc_...
    {"externalNumber": "12345-2026-000123", "divertedFrom": "12345", "handoverAt": "2026-11-22T08:00:00Z",
     "kind": "暴露垃圾", "description": "...", "address": "新余北站广场东侧", "contact": {"name": "...", "phone": "..."},
     "position": {"lon": 114.9, "lat": 27.8, "datum": "GCJ02", "accuracyM": 30}}

``kind``, ``position`` and ``contact`` may be left out. Without a position the address is looked up; one that is not clear waits for
a person (202, ``needs_place``). The same number sent again is the same hand-over; the clock counts from ``handoverAt``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.http import body, fields
from api.http.problems import answer, problems
from domain.base import Conn
from domain.cases.lifecycle import STATE_NAMES
from domain.connectors import clients, open311
from domain.connectors.clients import Client
from domain.errors import Unauthenticated
from domain.flows import diversions
from domain.flows.diversions import DiversionInput, Given
from domain.reports.intake import MAX_DESCRIPTION
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit

MAX_BYTES: Final = 64 * 1024
MAX_KIND: Final = 100
HANDOVERS: Final = Limit("handovers", 1200, 60, "移交过于频繁", "hand-overs of this system")
BAD_KEYS: Final = Limit("connector_key", 30, 60, "对接密钥错误次数过多", "wrong connector keys from this address")


@problems
async def take(request: Request) -> Response:
    """Take a hand-over in: 201 when its case is open, 202 while it waits for its place, 200 when it was known already."""
    state = request.app.state
    client = await _client(request)
    item = fields.json_object(await body.read(request, most=MAX_BYTES))
    await ratelimit.spend(state.redis, HANDOVERS, str(client.id))
    at = datetime.now(UTC)
    async with transaction(state.pool) as conn:
        given = await _read(conn, item)
        secret = auth.signing_key(state.settings)
        diverted = await diversions.take(conn, state.jurisdictions, client, given, at=at, secret=secret)
        told = _told(await diversions.status(conn, client.id, str(diverted.id)))
    state.hub.poke()
    if diverted.tracking_code:
        told["trackingCode"] = diverted.tracking_code
    return answer(200 if diverted.repeated else 201 if diverted.number else 202, told)


@problems
async def look(request: Request) -> Response:
    """Say how far a hand-over is, by our id or the sender's number."""
    client = await _client(request)
    async with request.app.state.pool.connection() as conn:
        return answer(200, _told(await diversions.status(conn, client.id, request.path_params["id"])))


async def _client(request: Request) -> Client:
    state = request.app.state
    async with state.pool.connection() as conn:
        client = await clients.by_key(conn, "handover", request.headers.get("x-connector-key", ""))
    if client is None:
        await ratelimit.spend(state.redis, BAD_KEYS, auth.client_address(request))
        message = "the header X-Connector-Key is missing, or its key is unknown or switched off"
        raise Unauthenticated(message, "对接密钥缺失、无效或已停用", field="X-Connector-Key")
    return client


async def _read(conn: Conn, item: Mapping[str, Any]) -> DiversionInput:
    kind = fields.optional_text(item, "kind", most=MAX_KIND)
    service = await open311.named(conn, kind) if kind else None
    contact = fields.optional_object(item, "contact") or {}
    words = fields.text(item, "description", most=MAX_DESCRIPTION)
    if kind and service is None:  # what they call it is kept for whoever classifies it here
        words = f"〔来件分类：{kind}〕{words}"[:MAX_DESCRIPTION]
    return DiversionInput(
        external_number=fields.text(item, "externalNumber", most=diversions.MAX_WORD),
        diverted_from=fields.text(item, "divertedFrom", most=diversions.MAX_WORD),
        handover_at=fields.instant(item, "handoverAt"),
        description=words,
        matter_id=service.matter_id if service else None,
        address_text=fields.optional_text(item, "address", most=diversions.MAX_ADDRESS),
        position=_position(fields.optional_object(item, "position")),
        contact_name=fields.optional_text(contact, "name", most=100),
        contact_phone=fields.optional_text(contact, "phone", most=100),
    )


def _position(item: Mapping[str, Any] | None) -> Given | None:
    if item is None:
        return None
    accuracy_m = None if item.get("accuracyM") is None else fields.number(item, "accuracyM")
    return Given(lon=fields.number(item, "lon"), lat=fields.number(item, "lat"), datum=fields.text(item, "datum"), accuracy_m=accuracy_m)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    zh, en = STATE_NAMES[row["case_state"]] if row["case_state"] else (None, None)
    return {
        "id": row["id"], "externalNumber": row["external_number"], "divertedFrom": row["diverted_from"], "state": row["state"],
        "handoverAt": row["handover_at"], "receivedAt": row["received_at"], "acceptedAt": row["accepted_at"],
        "returnedAt": row["returned_at"], "returnedReason": row["returned_reason"],
        "case": {
            "number": row["case_number"], "state": row["case_state"], "stateZh": zh, "stateEn": en, "department": row["department"],
            "dueAt": row["due_at"], "closedAt": row["closed_at"],
        } if row["case_number"] else None,
        "candidates": row["candidates"] if row["state"] == "needs_place" else [],
    }  # fmt: skip


ROUTES: list[Route] = [Route("/handovers", take, methods=["POST"]), Route("/handovers/{id}", look)]
