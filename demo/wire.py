"""The simulator's side of the wire: the product's real doors over HTTP, and patience with a server that is being killed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

Answer = TypeVar("Answer")

TIMEOUT_S: Final = 15.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 3.0
_TRANSIENT: Final = frozenset(("internal", "too_many"))

SIGN_IN: Final = "mutation($u: String!, $p: String!) { signIn(username: $u, password: $p) { accessToken } }"
MATTERS: Final = "{ matters(first: 300) { id kind name } }"
SUBMIT: Final = "mutation($i: SubmitReportInput!) { submitReport(input: $i) { reportId caseId number areaCode departmentName } }"
CASE: Final = "query($id: ID!) { case(id: $id) { state revision } }"
STEP: Final = "mutation($i: StepCaseInput!) { stepCase(input: $i) { state revision } }"


class Refused(Exception):
    """The server understood and said no: sending the same again would not help."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Unavailable(Exception):
    """Nobody answered, or nobody who could: nothing is known about what was sent."""


class Wire:
    """One HTTP client with the sessions of the demo's staff; sessions are opened when first needed and again when they end."""

    def __init__(self, url: str, *, accounts: dict[str, str], authority: Path | None = None) -> None:
        self._accounts, self._tokens = accounts, dict[str, str]()
        self._signing_in = asyncio.Lock()
        limits = httpx.Limits(max_connections=64)
        verify = str(authority) if authority else True
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits, verify=verify)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def ask(self, document: str, variables: dict[str, Any] | None = None, *, as_user: str | None = None) -> dict[str, Any]:
        """Run one GraphQL operation and return its data; raises Refused or Unavailable."""
        try:
            return await self._ask(document, variables, as_user)
        except Refused as refused:
            if refused.code != "unauthenticated" or as_user is None or document == SIGN_IN:
                raise
        self._tokens.pop(as_user, None)
        return await self._ask(document, variables, as_user)

    async def post(self, path: str, **request: Any) -> dict[str, Any]:
        """Send one HTTP request and return its JSON; raises Refused or Unavailable."""
        try:
            response = await self._client.post(path, **request)
            answer = response.json()
        except (httpx.TransportError, json.JSONDecodeError) as error:
            raise Unavailable(f"{path}: {type(error).__name__} {error}") from error
        if response.status_code >= 500 or not isinstance(answer, dict):
            raise Unavailable(f"{path}: HTTP {response.status_code}")
        if response.status_code == 429:
            raise Refused("too_many", str(answer.get("detail", "")))
        if response.status_code == 401:
            raise Refused("unauthenticated", str(answer.get("detail", "")))
        if response.status_code >= 400 and "errors" not in answer:
            raise Refused(str(answer.get("code", response.status_code)), str(answer.get("detail", "")))
        return answer

    async def _ask(self, document: str, variables: dict[str, Any] | None, as_user: str | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {await self._token(as_user)}"} if as_user else {}
        answer = await self.post("/graphql", json={"query": document, "variables": variables or {}}, headers=headers)
        for error in answer.get("errors") or ():
            code = error.get("extensions", {}).get("code", "internal")
            if code == "internal":
                raise Unavailable(error.get("message", ""))
            raise Refused(code, error.get("message", ""))
        data: dict[str, Any] = answer["data"]
        return data

    async def _token(self, username: str) -> str:
        async with self._signing_in:
            if username not in self._tokens:
                data = await self._ask(SIGN_IN, {"u": username, "p": self._accounts[username]}, None)
                self._tokens[username] = data["signIn"]["accessToken"]
            return self._tokens[username]


async def until_answered(send: Callable[[], Awaitable[Answer]], *, retried: Callable[[], None]) -> Answer:
    """Send the same thing again, ever more patiently, until it is acknowledged or refused for good.

    A repeat is safe because it carries the same id: what was taken in before the answer got lost is answered, not doubled.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await send()
        except Unavailable:
            pass
        except Refused as refused:
            if refused.code not in _TRANSIENT:
                raise
        retried()
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
