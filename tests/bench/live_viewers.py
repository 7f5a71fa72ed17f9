"""Many viewers of the live feed in one process that does next to nothing but take the time.

`python -m tests.bench.live_viewers URL TOKEN COUNT` prints `ready` when all have caught up; then, for one line of JSON on
stdin ({case id: [sent, answered]} in epoch seconds), it prints what every viewer saw of these cases, and when.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from typing import Any, Final

import uvloop

from runtime.settings import CHECKOUT

LATE_S: Final = 20.0


class Viewer(asyncio.Protocol):
    """One socket: the handshake, the introduction, the desk's own subscription, then the clock."""

    caught_up = 0
    seen: Final[dict[bytes, list[float]]] = {}

    def __init__(self, host: str, token: str, query: str) -> None:
        self.host, self.token, self.query = host, token, query
        self.held = bytearray()
        self.open = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {self.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.held += data
        if not self.open:
            head, end, rest = bytes(self.held).partition(b"\r\n\r\n")
            if not end:
                return
            assert b" 101 " in head.split(b"\r\n", 1)[0], head
            self.open, self.held = True, bytearray(rest)
            self.send({"type": "connection_init", "payload": {"authorization": f"Bearer {self.token}"}})
        start = 0
        while (frame := _frame(self.held, start)) is not None:
            opcode, begin, start = frame
            self.take(opcode, bytes(self.held[begin:start]), now)
        del self.held[:start]

    def take(self, opcode: int, text: bytes, now: float) -> None:
        if opcode == 9:
            self.write(0x8A, text)
        elif opcode != 1:
            raise RuntimeError(f"the server closed a socket: {text!r}")
        elif b'"case.opened"' in text:
            at = text.index(b'"caseId":"') + 10
            self.seen.setdefault(text[at : at + 36], []).append(now)
        elif b'"ping"' in text:
            self.send({"type": "pong"})
        elif b'"connection_ack"' in text:
            self.send({"type": "subscribe", "id": "1", "payload": {"query": self.query, "operationName": "Live"}})
        elif b'"CAUGHT_UP"' in text:
            Viewer.caught_up += 1
        elif b'"RESYNC"' in text or b'"error"' in text:
            raise RuntimeError(text.decode())

    def send(self, message: object) -> None:
        self.write(0x81, json.dumps(message).encode())

    def write(self, first: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big")
        self.transport.write(bytes([first]) + length + b"\0\0\0\0" + payload)  # masked with zeros, as the protocol allows


def _frame(held: bytearray, start: int) -> tuple[int, int, int] | None:
    """Find the frame that begins here: its opcode, where its payload begins and ends; None when it is not all there."""
    if len(held) < start + 2:
        return None
    size, begin = held[start + 1], start + 2
    if size >= 126:
        wide = 2 if size == 126 else 8
        size, begin = int.from_bytes(held[begin : begin + wide], "big"), begin + wide
    return (held[start] & 15, begin, begin + size) if len(held) >= begin + size else None


def live_document() -> str:
    """Give the very subscription the desk makes."""
    text = (CHECKOUT / "frontend_schema" / "operations" / "cases.graphql").read_text(encoding="utf-8")
    wanted = ("fragment CasePin ", "subscription Live")
    parts = [f"{part}\n}}" for part in text.split("\n}\n")]
    return "\n".join(part.strip() for part in parts if part.strip().startswith(wanted))


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] * 1000 if values else float("nan")


async def _watch(url: str, token: str, count: int) -> None:
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()

    def fail(_: asyncio.AbstractEventLoop, found: dict[str, Any]) -> None:
        if not failed.done():
            failed.set_exception(found.get("exception") or RuntimeError(found["message"]))

    loop.set_exception_handler(fail)
    host, _, port = url.removeprefix("http://").partition(":")
    query = live_document()
    for _ in range(count):
        await loop.create_connection(lambda: Viewer(host, token, query), host, int(port))
    while Viewer.caught_up < count:
        await asyncio.wait([failed], timeout=0.05)
        if failed.done():
            failed.result()
    print("ready", flush=True)
    line = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    await asyncio.wait([line, failed], return_when=asyncio.FIRST_COMPLETED)
    if failed.done():
        os._exit(_told(failed.exception()))  # the thread waits on stdin
    told = json.loads(await line)
    deadline = time.monotonic() + LATE_S
    while any(len(Viewer.seen.get(case.encode(), ())) < count for case in told) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    since_sent = [at - sent for case, (sent, _) in told.items() for at in Viewer.seen.get(case.encode(), ())]
    since_answer = [at - answered for case, (_, answered) in told.items() for at in Viewer.seen.get(case.encode(), ())]
    print(
        json.dumps(
            {
                "viewers": count,
                "viewers_cpu_s": time.process_time(),
                "deliveries": len(since_sent),
                "missing": count * len(told) - len(since_sent),
                "p50_ms": _percentile(since_sent, 0.5),
                "p99_ms": _percentile(since_sent, 0.99),
                "most_ms": _percentile(since_sent, 1.0),
                "p50_after_answer_ms": _percentile(since_answer, 0.5),
                "p99_after_answer_ms": _percentile(since_answer, 0.99),
            }
        ),
        flush=True,
    )


def _told(error: BaseException | None) -> int:
    print(repr(error), file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    uvloop.run(_watch(sys.argv[1], sys.argv[2], int(sys.argv[3])))
