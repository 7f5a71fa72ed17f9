"""A receiver on a real socket: answers HTTP as it is told to, keeps what it was sent, can hang and can speak TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True)
class Request:
    """What came in."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What goes out: ``hang`` says nothing at all, ``endless`` never stops talking."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    endless: bool = False


def said(**values: Any) -> Reply:
    """Answer 200 with JSON."""
    return Reply(body=orjson.dumps(values), headers={"content-type": "application/json"})


HANG = Reply(hang=True)


class Receiver:
    """Answers by ``answer``, unless replies are queued with ``next``."""

    def __init__(self, answer: Callable[[Request], Reply] | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self.host = "127.0.0.1"
        self.tls = False
        self.released = asyncio.Event()
        self.conversations: set[asyncio.Task[None]] = set()
        self._queue: list[Reply] = []
        self._answer = answer or (lambda _: Reply())
        self._came = asyncio.Condition()

    def next(self, *replies: Reply) -> None:
        """Say what the next requests are answered."""
        self._queue += replies

    def url(self, path: str = "/") -> str:
        return f"{'https' if self.tls else 'http'}://{'localhost' if self.tls else self.host}:{self.port}{path}"

    async def has(self, count: int, within_s: float = 10) -> list[Request]:
        """Wait until so many requests have come."""
        async with asyncio.timeout(within_s), self._came:
            await self._came.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    def came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to answer a connection."""
        self.conversations.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.connections += 1
        try:
            request = await _read(reader)
            async with self._came:
                self.requests.append(request)
                self._came.notify_all()
            reply = self._queue.pop(0) if self._queue else self._answer(request)
            if reply.hang:
                await self.released.wait()
                return
            await _write(writer, reply)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


@asynccontextmanager
async def running(
    receiver: Receiver, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Let a receiver listen for the length of a block."""
    server = await asyncio.start_server(receiver.came, host, port, ssl=tls)
    receiver.host, receiver.port = server.sockets[0].getsockname()[:2]
    receiver.tls = tls is not None
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.close()
        await asyncio.gather(*receiver.conversations)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(head[0].split(" ")[1], headers, body)


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    headers = {"connection": "close", **({} if reply.endless else {"content-length": str(len(reply.body))}), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} x", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + reply.body)
    while reply.endless:
        writer.write(b"x" * 65_536)
        await writer.drain()
    await writer.drain()
