"""Webhooks: a CloudEvents 1.0 event in structured JSON, signed as Standard Webhooks has it.

``webhook-id`` is the delivery's id: a receiver that has seen it drops the repeat. The signature is HMAC-SHA256 over id,
timestamp and body, with the secret the webhook was given when it was saved.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final

import orjson

from domain.deliveries.letters import Letter
from domain.deliveries.sending import Outcome
from runtime.adapters.http import Outgoing, by_status, post

TYPE_PREFIX: Final = "gridwarden."


async def send(out: Outgoing, letter: Letter) -> Outcome:
    """Send an event to a webhook."""
    body = cloud_event(letter, source=out.public_url)
    timestamp = str(int(letter.sent_at.timestamp()))
    headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": str(letter.id),
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(letter.address.get("secret", ""), str(letter.id), timestamp, body),
    }
    answer = await post(out, letter.address["url"], body, headers)
    if isinstance(answer, Outcome):
        return answer
    found = by_status(answer)
    return Outcome(found.kind, found.detail, found.retry_after_s, gone=answer.status == 410)


def cloud_event(letter: Letter, *, source: str) -> bytes:
    """Write the event: the same bytes each time the same delivery is sent."""
    facts = dict(letter.facts)
    event = {
        "specversion": "1.0",
        "id": str(letter.event_id or letter.id),
        "source": source or "urn:gridwarden",
        "type": f"{TYPE_PREFIX}{letter.event_kind}",
        "time": facts.pop("at", None) or letter.created_at.isoformat(),
        "datacontenttype": "application/json",
        "data": facts,
    }
    if facts.get("number"):
        event["subject"] = str(facts["number"])
    return orjson.dumps(event, option=orjson.OPT_SORT_KEYS)


def signature(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    """Give the signature header: version 1, over id, timestamp and body joined by dots."""
    signed = hmac.digest(_key(secret), f"{delivery_id}.{timestamp}.".encode() + body, sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def _key(secret: str) -> bytes:
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
