"""企业微信 group robot: a markdown message to the webhook of a group; twenty a minute for each robot."""

from __future__ import annotations

from typing import Final

import orjson

from domain.deliveries.letters import Letter
from domain.deliveries.sending import Outcome
from runtime.adapters.http import Answer, Outgoing, by_status, post

MAX_BYTES: Final = 4096
LIMITED: Final = frozenset({45009, 45033})
BUSY: Final = frozenset({-1})
GONE: Final = frozenset({93000})
_PLAIN: Final = str.maketrans("<>[]*`@\n", "＜＞［］＊＇＠ ")


async def send(out: Outgoing, letter: Letter) -> Outcome:
    """Send a letter to a group."""
    content = markdown(letter)
    body = orjson.dumps({"msgtype": "markdown", "markdown": {"content": content}})
    answer = await post(out, letter.address["url"], body, {"content-type": "application/json"})
    return answer if isinstance(answer, Outcome) else robot_outcome(answer, limited=LIMITED, busy=BUSY, gone=GONE)


def markdown(letter: Letter, *, heading: str = "**", max_bytes: int = MAX_BYTES) -> str:
    """Write a letter, and those said with it, in the small markdown that group robots know."""
    if not letter.others:
        return _block(letter, heading, max_bytes)
    together = (letter, *letter.others)
    room = max_bytes // len(together) - len("\n\n")
    return "\n\n".join(_block(one, heading, room) for one in together)


def _block(letter: Letter, heading: str, max_bytes: int) -> str:
    """Write one letter, its text cut where there is no room and its link whole."""
    link = f"\n[打开案件]({letter.link})" if letter.link else ""
    text = f"{heading}{plain(letter.title)}{heading if heading == '**' else ''}\n> {plain(letter.text)}"
    return text.encode()[: max_bytes - len(link.encode())].decode(errors="ignore") + link


def plain(text: str) -> str:
    """Take the meaning out of what a robot would read as formatting or as a mention."""
    return text.translate(_PLAIN)


def robot_outcome(answer: Answer, *, limited: frozenset[int], busy: frozenset[int], gone: frozenset[int]) -> Outcome:
    """Read a robot's answer: HTTP 200 with an errcode that is 0 when the message was taken."""
    found = by_status(answer)
    if found.kind != "accepted":
        return found
    try:
        errcode = int(orjson.loads(answer.body)["errcode"])
    except (ValueError, KeyError, TypeError):
        return Outcome("later", "the answer was none of a robot")
    if errcode == 0:
        return Outcome("accepted", "errcode 0")
    if errcode in limited:
        return Outcome("limited", f"errcode {errcode}")
    return Outcome("later" if errcode in busy else "refused", f"errcode {errcode}", gone=errcode in gone)
