"""Text messages through an HTTP gateway of the kind Chinese carriers' resellers offer: JSON in, a code in the answer.

The gateway is given the delivery's id as ``uid``, by which it knows a message it has had before.
"""

from __future__ import annotations

from typing import Final

import orjson

from domain.deliveries.letters import Letter
from domain.deliveries.sending import Outcome
from runtime.adapters.http import Outgoing, by_status, post

MAX_SIGNS: Final = 300
LIMITED: Final = frozenset({"103"})
BUSY: Final = frozenset({"104", "109", "110"})  # busy, no credit left, outside sending hours: not the message's fault


async def send(out: Outgoing, letter: Letter) -> Outcome:
    """Send a letter as a text message."""
    gateway = letter.gateway
    if not gateway:
        return Outcome("refused", "no gateway for text messages is set up")
    body = orjson.dumps(
        {
            "account": gateway["account"], "password": gateway["secret"], "phone": letter.address["phone"],
            "msg": text_of(letter), "report": "true", "uid": str(letter.id),
        }
    )  # fmt: skip
    answer = await post(out, gateway["url"], body, {"content-type": "application/json"})
    if isinstance(answer, Outcome):
        return answer
    found = by_status(answer)
    if found.kind != "accepted":
        return found
    try:
        said = orjson.loads(answer.body)
        code = str(said["code"])
    except (ValueError, KeyError, TypeError):
        return Outcome("later", "the answer was none of a gateway")
    if code == "0":
        return Outcome("accepted", f"msgId {str(said.get('msgId', ''))[:64]}")
    if code in LIMITED:
        return Outcome("limited", f"code {code}")
    return Outcome("later" if code in BUSY else "refused", f"code {code}")


def text_of(letter: Letter) -> str:
    """Write a letter as a text message: signature first, as carriers demand, and the link last, whole."""
    sign = letter.gateway.get("signature", "")
    link = f" {letter.link}" if letter.link else ""
    text = f"{f'【{sign}】' if sign else ''}{letter.title}：{letter.text}"
    return text[: MAX_SIGNS - len(link)] + link
