"""``POST /ingest/detections``: devices hand in what they saw, many at a time, each with an answer of its own.

    X-Device-Key: gwd_...
    {"detections": [{"key": "...", "kind": "...", "confidence": 0.9, "lon": 114.9, "lat": 27.8, "datum": "WGS84",
                     "accuracyM": 5, "occurredAt": "2026-11-22T08:00:00Z", "evidence": {}}]}

answers ``{"results": [{"key", "status": accepted | repeated | refused, "alertId", "caseNumber", "error"}]}`` in the order
of the batch. A device may send a batch again after any failure: a key it has used is answered ``repeated``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.http import body, fields
from api.http.problems import answer, problems
from domain.alerts.intake import DetectionInput
from domain.devices import actions as devices
from domain.errors import DomainError, Invalid, Unauthenticated
from domain.flows import alert_intake
from domain.flows.alert_intake import MAX_ITEMS, Detected
from runtime import ratelimit
from runtime.database import transaction
from runtime.ratelimit import Limit

MAX_BYTES: Final = 1024 * 1024
DEEPEST_EVIDENCE: Final = 32
DETECTIONS: Final = Limit("detections", 6000, 60, "检测上报过于频繁", "detections of this device")
BAD_KEYS: Final = Limit("device_key", 30, 60, "设备密钥错误次数过多", "wrong device keys from this address")


@problems
async def detections(request: Request) -> Response:
    """Take a batch of detections in, in one transaction."""
    state = request.app.state
    device_id = await _device(request)
    items = _items(await body.read(request, most=MAX_BYTES))
    at = datetime.now(UTC)  # after a body that may take minutes: whoever owns the place now is whom it goes to
    await ratelimit.spend(state.redis, DETECTIONS, str(device_id), amount=len(items))
    read = [_read(item) for item in items]
    good = [given for given in read if isinstance(given, DetectionInput)]
    async with transaction(state.pool) as conn:
        taken = iter(await alert_intake.detect(conn, state.jurisdictions, good, device_id=device_id, at=at) if good else ())
    state.hub.poke()
    outcomes = [next(taken) if isinstance(given, DetectionInput) else given for given in read]
    return answer(200, {"results": [_result(*pair) for pair in zip(items, outcomes, strict=True)]})


async def _device(request: Request) -> UUID:
    state = request.app.state
    async with state.pool.connection() as conn:
        device_id = await devices.by_key(conn, request.headers.get("x-device-key", ""))
    if device_id is None:
        await ratelimit.spend(state.redis, BAD_KEYS, auth.client_address(request))
        message = "the header X-Device-Key is missing, or its key is unknown or switched off"
        raise Unauthenticated(message, "设备密钥缺失、无效或已停用", field="X-Device-Key")
    return device_id


def _items(data: bytes) -> list[Any]:
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is not JSON: {error}", "内容不是有效的 JSON", field="body") from error
    items = content.get("detections") if isinstance(content, dict) else None
    if not isinstance(items, list) or not items:
        raise Invalid('send {"detections": [...]} with at least one item', "detections 须为非空数组", field="detections")
    if len(items) > MAX_ITEMS:
        raise Invalid(f"at most {MAX_ITEMS} detections at once", f"一次最多提交 {MAX_ITEMS} 条", field="detections")
    return items


def _read(item: Any) -> DetectionInput | Invalid:
    """Read one item; what is wrong with it refuses it alone."""
    try:
        if not isinstance(item, dict):
            raise Invalid("a detection is a JSON object", "检测数据须为 JSON 对象", field="detections")
        return DetectionInput(
            detection_key=fields.text(item, "key"),
            kind=fields.text(item, "kind"),
            confidence=fields.number(item, "confidence"),
            lon=fields.number(item, "lon"),
            lat=fields.number(item, "lat"),
            datum=fields.text(item, "datum"),
            accuracy_m=None if item.get("accuracyM") is None else fields.number(item, "accuracyM"),
            occurred_at=fields.instant(item, "occurredAt"),
            evidence=_evidence(item),
        )
    except Invalid as error:
        return error


def _evidence(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    value = item.get("evidence")
    if value is None:
        return None
    if not isinstance(value, dict) or not _storable(value, DEEPEST_EVIDENCE):
        message = f"evidence is a JSON object of at most {DEEPEST_EVIDENCE} levels, without NUL characters"
        raise Invalid(message, f"evidence 须为 JSON 对象，最多 {DEEPEST_EVIDENCE} 层", field="evidence")
    return value


def _storable(value: Any, levels: int) -> bool:
    """Tell whether the database can keep a JSON value of so many levels."""
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, dict | list):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return levels > 0 and all(_storable(part, levels - 1) for part in parts)
    return True


def _result(item: Any, outcome: Detected | DomainError) -> dict[str, object]:
    key = item.get("key") if isinstance(item, dict) else None
    named = {"key": key if isinstance(key, str) else None}
    if isinstance(outcome, DomainError):
        error = {
            "code": outcome.code,
            "message": outcome.message_en,
            "messageZh": outcome.message_zh,
            "field": outcome.field,
        }
        return {**named, "status": "refused", "alertId": None, "caseNumber": None, "error": error}
    status = "repeated" if outcome.repeated else "accepted"
    return {**named, "status": status, "alertId": outcome.alert_id, "caseNumber": outcome.number, "error": None}


ROUTES: list[Route] = [Route("/ingest/detections", detections, methods=["POST"])]
