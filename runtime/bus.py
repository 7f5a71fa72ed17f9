"""Redis as the messenger between processes: hints that something happened, never the truth.

The events table is the truth and every position in it is dense, so a message that is lost, doubled or late does no
harm: a reader that misses a position fetches it from the table, one that meets a position twice drops it. Nothing here
raises because Redis is away; readers are told by silence (`Listener.next` gives None) and go on by polling.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, TypeAlias
from uuid import UUID

import orjson
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from runtime import tasks

log = logging.getLogger(__name__)

Redis: TypeAlias = redis.asyncio.Redis

MAX_MESSAGE_EVENTS: Final = 200  # about 120 KB when every event names a dozen areas
ANSWER_WITHIN_S: Final = 0.5
RECONNECT_AFTER_S: Final = 0.25
HELD_MESSAGES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Published:
    """An event that has its position: what a live reader needs to know of it, and nothing more."""

    position: int
    id: UUID
    at: datetime
    kind: str
    subject_kind: str
    subject_id: UUID
    area_ids: tuple[UUID, ...]
    department_ids: tuple[UUID, ...]
    left_area_ids: tuple[UUID, ...]
    left_department_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Channels:
    """The names of one city's channels; two cities may share a Redis without hearing each other."""

    events: str
    poke: str


def channels_of(database_url: str) -> Channels:
    """Name the channels of the city whose data lies in this database; every process of a city is given the same URL."""
    city = sha256(database_url.encode()).hexdigest()[:12]
    return Channels(events=f"gridwarden:{city}:events", poke=f"gridwarden:{city}:poke")


def connect(redis_url: str) -> Redis:
    """Make a client that answers or fails within half a second; it connects when first used."""
    return redis.asyncio.Redis.from_url(
        redis_url,
        socket_timeout=ANSWER_WITHIN_S,
        socket_connect_timeout=ANSWER_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
    )


def pack(head: int, events: Sequence[Published]) -> Iterator[bytes]:
    """Write messages of bounded size; each says which position its reader has reached after it.

    No events gives one message with the head alone: the relay's heartbeat.
    """
    for start in range(0, max(len(events), 1), MAX_MESSAGE_EVENTS):
        part = events[start : start + MAX_MESSAGE_EVENTS]
        rows = [[getattr(event, name) for name in Published.__slots__] for event in part]
        yield orjson.dumps((part[-1].position if part else head, rows))


def unpack(message: bytes) -> tuple[int, list[Published]]:
    """Read what `pack` wrote: the position reached, and the events in order of position."""
    head, rows = orjson.loads(message)
    return head, [
        Published(
            position,
            UUID(id_),
            datetime.fromisoformat(at),
            kind,
            subject_kind,
            UUID(subject_id),
            *(tuple(map(UUID, ids)) for ids in arrays),
        )
        for position, id_, at, kind, subject_kind, subject_id, *arrays in rows
    ]


class Sender:
    """Publishes, and after a failure stays silent for a second, so that a hanging Redis holds nobody up for long."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._silent_until = 0.0

    async def send(self, channel: str, message: bytes) -> bool:
        """Publish one message; False when Redis did not take it."""
        if time.monotonic() < self._silent_until:
            return False
        try:
            await self._client.publish(channel, message)
        except (RedisError, OSError, TimeoutError) as error:
            self._silent_until = time.monotonic() + 1.0
            log.warning("Redis does not take messages (%s); readers poll the table meanwhile", error)
            return False
        return True

    async def poke(self, channels: Channels) -> None:
        """Tell the relay that something was committed; without this word it looks by itself within 0.1 s."""
        await self.send(channels.poke, b"")


class Listener:
    """Hears one channel for as long as its `async with` block lasts, through any number of restarts of Redis."""

    def __init__(self, client: Redis, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._heard: asyncio.Queue[bytes] = asyncio.Queue(HELD_MESSAGES)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Listener:
        self._task = asyncio.create_task(self._hear_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await tasks.end(self._task)

    async def next(self, within_s: float) -> bytes | None:
        """Give the next message, or None when none came in time."""
        if not self._heard.empty():
            return self._heard.get_nowait()
        try:
            async with asyncio.timeout(within_s):
                return await self._heard.get()
        except TimeoutError:
            return None

    def drain(self) -> list[bytes]:
        """Give everything heard and not yet taken."""
        return [self._heard.get_nowait() for _ in range(self._heard.qsize())]

    async def _hear_for_ever(self) -> None:
        while not tasks.cancelled():
            try:
                async for message in _messages(self._client, self._channel):
                    # A full queue means a reader far behind: it will find what is dropped here in the table.
                    if not self._heard.full():
                        self._heard.put_nowait(message)
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(RECONNECT_AFTER_S)


async def _messages(client: Redis, channel: str) -> AsyncIterator[bytes]:
    async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(channel)
        while not tasks.cancelled():
            message = await pubsub.get_message(timeout=ANSWER_WITHIN_S)
            if message is not None:
                yield message["data"]
