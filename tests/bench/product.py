"""The product itself, started by its own script in a home of its own, and a lean HTTP client to press it with."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime.settings import CHECKOUT

SCRIPT = CHECKOUT / "gridwarden"


@contextmanager
def running_city(*arguments: str) -> Iterator[tuple[Path, str]]:
    """Lend (home, address) of a demo city that is up; it is taken down and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="gwb-", dir="/tmp") as folder:
        home = Path(folder)
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        port = free_port()
        subprocess.run([SCRIPT, "up", "--home", home, "--port", str(port), "--detach", *arguments], check=True, capture_output=True)
        try:
            yield home, f"http://127.0.0.1:{port}"
        finally:
            subprocess.run([SCRIPT, "down", "--home", home], check=True, capture_output=True)


def free_port() -> int:
    """Give a port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sign_in(home: Path, url: str, username: str = "dispatcher") -> str:
    """Give an access token of a demo account."""
    accounts = json.loads((home / "demo-accounts.json").read_text())
    password = next(account["password"] for account in accounts if account["username"] == username)
    query = "mutation($u: String!, $p: String!) { signIn(username: $u, password: $p) { accessToken } }"
    answer = graphql(url, query, {"u": username, "p": password})
    return str(answer["signIn"]["accessToken"])


def graphql(url: str, query: str, variables: dict[str, Any], token: str | None = None) -> dict[str, Any]:
    """Run one operation; raises RuntimeError with the server's errors."""
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    body = json.dumps({"query": query, "variables": variables}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/graphql", body, headers), timeout=60) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
    if answer.get("errors"):
        raise RuntimeError(answer["errors"])
    data: dict[str, Any] = answer["data"]
    return data


class Line:
    """One kept-alive connection that posts GraphQL documents, with as little of its own work as possible."""

    def __init__(self, url: str, token: str) -> None:
        self.host, _, port = url.removeprefix("http://").partition(":")
        self.port = int(port)
        self.head = f"POST /graphql HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\n"

    async def open(self) -> Line:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        return self

    async def post(self, body: bytes) -> bytes:
        """Send one document and give the answer's body."""
        self.writer.write(f"{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return await self.reader.readexactly(length)


def cpu_seconds(pid: int) -> float:
    """Give the processor time a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Give a process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def pids(home: Path) -> dict[str, int]:
    """Give the processes of a city by name."""
    shown = subprocess.run([SCRIPT, "status", "--home", home, "--json"], check=False, capture_output=True, text=True)
    found: dict[str, int] = json.loads(shown.stdout)["processes"]
    return found
