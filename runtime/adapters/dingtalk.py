"""钉钉 group robot: a markdown message, signed with HMAC-SHA256 over timestamp and secret where the robot has one."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote_plus

import orjson

from domain.deliveries.letters import Letter
from domain.deliveries.sending import Outcome
from runtime.adapters.http import Outgoing, post
from runtime.adapters.wecom import markdown, plain, robot_outcome

MAX_BYTES: Final = 18_000
LIMITED: Final = frozenset({130101, 410100})
BUSY: Final = frozenset({-1})
GONE: Final = frozenset({300001, 400101, 400102})


async def send(out: Outgoing, letter: Letter) -> Outcome:
    """Send a letter to a group."""
    url = letter.address["url"]
    if secret := letter.address.get("secret"):
        url = f"{url}{'&' if '?' in url else '?'}{signature(secret, letter.sent_at)}"
    text = markdown(letter, heading="### ", max_bytes=MAX_BYTES)
    body = orjson.dumps({"msgtype": "markdown", "markdown": {"title": plain(letter.title), "text": text}})
    answer = await post(out, url, body, {"content-type": "application/json"})
    return answer if isinstance(answer, Outcome) else robot_outcome(answer, limited=LIMITED, busy=BUSY, gone=GONE)


def signature(secret: str, at: datetime) -> str:
    """Give the query that signs a message: timestamp in milliseconds, and the HMAC of it and the secret."""
    timestamp = str(round(at.timestamp() * 1000))
    digest = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), sha256)
    return f"timestamp={timestamp}&sign={quote_plus(base64.b64encode(digest))}"
