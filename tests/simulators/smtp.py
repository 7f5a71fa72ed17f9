"""A mail relay on a real socket: takes mail, or answers a step of the conversation with another code, or hangs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import Message


class Relay:
    """``codes`` replaces the answer to a command, such as {"RCPT": "550 no such user"}; ``hang`` names one never answered."""

    def __init__(self, *, codes: dict[str, str] | None = None, hang: str | None = None, login: tuple[str, str] | None = None) -> None:
        self.codes, self.hang, self.login = codes or {}, hang, login
        self.port = 0
        self.mails: list[Message] = []
        self.released = asyncio.Event()
        self.conversations: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext | None = None) -> None:
        """Hold one conversation."""
        try:
            writer.write(b"220 relay ready\r\n")
            while line := (await reader.readline()).decode().strip():
                verb = line.split(" ")[0].upper()
                if verb == self.hang:
                    await self.released.wait()
                    return
                if verb == "STARTTLS" and tls is not None:
                    writer.write(b"220 go on\r\n")
                    await writer.start_tls(tls)
                    continue
                writer.write((self.codes.get(verb) or self._answer(verb, line, secured=tls is None)).encode() + b"\r\n")
                if verb == "DATA" and verb not in self.codes:
                    data = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append(email.message_from_bytes(data[:-3]))
                    writer.write(b"250 queued as 4711\r\n")
                if verb == "QUIT":
                    return
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def _answer(self, verb: str, line: str, *, secured: bool) -> str:
        if verb == "EHLO":
            offers = ["relay", "AUTH PLAIN", "SMTPUTF8"] if secured else ["relay", "STARTTLS", "AUTH PLAIN", "SMTPUTF8"]
            return "\r\n".join(f"250{' ' if offer == offers[-1] else '-'}{offer}" for offer in offers)
        if verb == "AUTH":
            name, secret = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]
            return "235 welcome" if self.login == (name, secret) else "535 no"
        return {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok")


@asynccontextmanager
async def running(relay: Relay, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Relay]:
    """Let a relay listen for the length of a block; with ``tls`` it offers STARTTLS."""

    def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay.conversations.add(asyncio.create_task(relay.serve(reader, writer, tls)))

    server = await asyncio.start_server(came, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        relay.released.set()
        server.close()
        await asyncio.gather(*relay.conversations)
