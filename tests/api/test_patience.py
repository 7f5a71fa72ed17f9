"""A connection that never says its request is ended; one that does is served, however often."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from api import patience

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: city\r\n\r\n"


@contextlib.asynccontextmanager
async def _serving() -> AsyncIterator[tuple[str, int]]:
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])
    server = uvicorn.Server(uvicorn.Config(app, http=patience.PatientProtocol, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            await running


async def _until_closed(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return await reader.read()


@pytest.mark.parametrize("said", [b"", b"GET", b"\r\n", b"GET / HTTP/1.1\r\nHost: ci"])
async def test_a_request_that_is_not_said_in_time_ends_its_connection(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", 0.2)
    async with _serving() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(said)
        assert await _until_closed(reader) == b""
        writer.close()


@pytest.mark.parametrize("said", [b"\r\n", b"GET / HTT"])
async def test_the_next_request_of_a_connection_is_not_waited_for_longer_than_the_first(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", 0.2)
    async with _serving() as address:
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(2):
            writer.write(GET)
            assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")
        writer.write(said)
        assert await _until_closed(reader) == b""
        writer.close()


async def test_a_head_without_end_is_refused() -> None:
    async with _serving() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\n" + b"X-More: and more\r\n" * (patience.HEAD_MOST_BYTES // 16))
        assert (await _until_closed(reader)).startswith(b"HTTP/1.1 400")
        writer.close()
