"""The hub: one reader of the feed in each API process, telling every open subscription what it may know.

It hears the relay over Redis and reads whatever it missed from the table; dense positions make a gap plain to see. For
one batch of events a case is read once for each *class* of viewers (same selection, same grants), written once, and the
text shared by them all. Who sees what is decided twice: by the areas and departments the event names, and by reading
the case under the class's scope; a case that has moved on since is left to the later event.

Nobody can hold up anybody: a subscriber that takes too long finds RESYNC in place of what it missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from domain.base import Conn
from domain.people.scope import Scope
from geo.lonlat import BBox
from runtime import bus, relay, tasks
from runtime.bus import Listener, Published, Redis, Sender
from runtime.database import Pool

log = logging.getLogger("gridwarden.live")

WAITING_MOST: Final = 1_000  # updates held for one slow subscriber
HISTORY_MOST: Final = 50_000  # events; whoever was away longer reads the lists again
PAGE: Final = 500
SILENCE_S: Final = 1.2  # the relay is heard twice a second; longer silence means: look into the table
POLL_S: Final = 0.1
PAUSE_S: Final = 0.25
READY_WITHIN_S: Final = 5.0
DATABASE_AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)

LonLats: TypeAlias = Mapping[UUID, tuple[float, float]]


class LiveKind(enum.Enum):
    """What an update tells its viewer to do."""

    UPSERT = "UPSERT"
    LEAVE = "LEAVE"
    RESYNC = "RESYNC"
    CAUGHT_UP = "CAUGHT_UP"


@dataclass(frozen=True, slots=True)
class Update:
    """One message to a viewer; ``case`` holds what was selected of it, by response key."""

    position: int
    kind: LiveKind
    event_kind: str
    at: datetime
    case_id: UUID | None = None
    case: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What a class of viewers asks for. Equal ``key`` promises equal reading and writing."""

    key: Hashable
    read: Callable[[Conn, Sequence[UUID]], Awaitable[Mapping[UUID, Mapping[str, object]]]]
    write: Callable[[Update], str]


@dataclass(frozen=True, slots=True)
class View:
    """Where a viewer looks, inside what its scope allows."""

    scope: Scope
    area_id: UUID | None = None
    bbox: BBox | None = None

    def judge(self, event: Published) -> LiveKind | None:
        """Tell what an event means here; None: nothing."""
        if event.subject_kind == "area_layer":
            return LiveKind.UPSERT  # areas are public
        if event.subject_kind != "case":
            return None
        if self._holds(event.area_ids, event.department_ids):
            return LiveKind.UPSERT
        areas, departments = event.area_ids + event.left_area_ids, event.department_ids + event.left_department_ids
        return LiveKind.LEAVE if self._holds(areas, departments) else None

    def loses(self, event: Published) -> bool:
        """Tell whether the event takes a case from people who saw it by its area: a complaint that turns out to be about them."""
        return bool(event.left_area_ids) and self.scope.allows(event.left_area_ids, ())

    def shows(self, event: Published, where: LonLats) -> bool:
        """Tell whether the event's case lies in the viewport; a case does not move."""
        if self.bbox is None or event.subject_kind != "case":
            return True
        position = where.get(event.subject_id)
        return position is not None and self.bbox.contains(lon=position[0], lat=position[1])

    def key(self) -> Hashable:
        """Give a value equal for views that show the same."""
        return (self.scope.key(), self.area_id, self.bbox)

    def _holds(self, areas: Collection[UUID], departments: Collection[UUID]) -> bool:
        return (self.area_id is None or self.area_id in areas) and self.scope.allows(areas, departments)


class Subscriber:
    """One open subscription: its updates wait here until its socket takes them."""

    def __init__(self, selection: Selection, view: View) -> None:
        self.selection = selection
        self.view = view
        self.reached = 0  # nothing up to this position is taken any more: no update comes twice
        self._waiting: deque[str] = deque()
        self._news = asyncio.Event()

    def offer(self, position: int, text: str) -> None:
        """Put an update in the queue; when it is full, all that waits is replaced by RESYNC."""
        if position <= self.reached:
            return
        if len(self._waiting) >= WAITING_MOST:
            self.resync(position)
            return
        self.reached = position
        self._waiting.append(text)
        self._news.set()

    def resync(self, position: int) -> None:
        """Tell the viewer to read its lists again: it has lost updates up to this position."""
        self.reached = max(self.reached, position)
        self._waiting.clear()
        self._waiting.append(self.selection.write(note(LiveKind.RESYNC, self.reached)))
        self._news.set()

    async def next(self) -> list[str]:
        """Wait for updates and take all there are."""
        await self._news.wait()
        self._news.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class _Class:
    """Subscribers who share their texts, by view."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.views: dict[Hashable, tuple[View, set[Subscriber]]] = {}

    def members(self) -> Iterator[Subscriber]:
        for _, subscribers in self.views.values():
            yield from subscribers


class Hub:
    """Follows the feed and tells subscribers; made and run by `running`."""

    def __init__(self, pool: Pool, redis: Redis, channels: bus.Channels) -> None:
        self.pool = pool
        self.position: int | None = None  # told up to here, or just being told
        self._redis = redis
        self._channels = channels
        self._sender = Sender(redis)
        self._classes: dict[Hashable, _Class] = {}
        self._ready = asyncio.Event()
        self._happened = asyncio.Event()

    def __len__(self) -> int:
        return sum(1 for class_ in self._classes.values() for _ in class_.members())

    def poke(self) -> None:
        """Say that something was committed, so that it gets its position now and not at the relay's next look."""
        self._happened.set()

    @contextlib.asynccontextmanager
    async def joined(self, subscriber: Subscriber) -> AsyncIterator[int]:
        """Take part while the block lasts; lends the position up to which the table must be read for the past."""
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self._ready.wait()
        except TimeoutError:
            raise psycopg.OperationalError("the feed has not reached the database yet") from None
        class_ = self._classes.setdefault(subscriber.selection.key, _Class(subscriber.selection))
        key = subscriber.view.key()
        _, subscribers = class_.views.setdefault(key, (subscriber.view, set()))
        subscribers.add(subscriber)
        subscriber.reached = max(subscriber.reached, self.position or 0)
        try:
            yield subscriber.reached
        finally:
            subscribers.discard(subscriber)
            if not subscribers:
                class_.views.pop(key, None)
            if not class_.views:
                self._classes.pop(subscriber.selection.key, None)

    async def missed(self, subscriber: Subscriber, after: int, until: int) -> AsyncIterator[str]:
        """Read what happened after one position up to another, in order; a RESYNC when that is too much."""
        if until - after > HISTORY_MOST or after < 0:
            yield subscriber.selection.write(note(LiveKind.RESYNC, until))
            return
        position = after
        while position < until:
            async with self.pool.connection() as conn:
                events = await relay.read_after(conn, position, until=until, limit=PAGE)
                texts = await _texts(conn, subscriber.selection, [subscriber.view], events)
            for _, text in texts[0]:
                yield text
            if not events:
                return
            position = events[-1].position

    async def head(self) -> int:
        """Read the last position given, which the hub itself may not have heard of yet."""
        async with self.pool.connection() as conn:
            return await relay.head(conn)

    async def follow(self) -> None:
        """Hear, read and tell, until cancelled."""
        async with Listener(self._redis, self._channels.events) as news:
            within_s = SILENCE_S
            while not tasks.cancelled():
                try:
                    message = await news.next(within_s) if self.position is not None else None
                    within_s = POLL_S if message is None else SILENCE_S
                    await self._go_on(message, news)
                except DATABASE_AWAY as error:
                    log.warning("the feed waits for the database: %s", str(error).strip().split("\n")[0])
                    await asyncio.sleep(PAUSE_S)

    async def poke_for_ever(self) -> None:
        """Pass pokes on, one for all that came together."""
        while not tasks.cancelled():
            await self._happened.wait()
            self._happened.clear()
            await self._sender.poke(self._channels)

    async def _go_on(self, message: bytes | None, news: Listener) -> None:
        if self.position is None:
            self.position = await self.head()
            self._ready.set()
            return
        if message is None:
            await self._catch_up(await self.head())
            return
        for heard in [message, *news.drain()]:
            head, events = bus.unpack(heard)
            fresh = [event for event in events if event.position > self.position]
            if fresh and fresh[0].position == self.position + 1:
                await self._tell(fresh)
            elif head > self.position:
                await self._catch_up(head)

    async def _catch_up(self, head: int) -> None:
        position = self.position or 0
        if head - position > HISTORY_MOST or (head > position and not self._classes):
            self.position = head
            self._resync_all()
        while (self.position or 0) < head:
            async with self.pool.connection() as conn:
                events = await relay.read_after(conn, self.position or 0, until=head, limit=PAGE)
            if not events:
                return
            await self._tell(events)

    async def _tell(self, events: Sequence[Published]) -> None:
        # From here on a newcomer reads these from the table; subscribers that are here already must be told, so the
        # position is not passed before that has succeeded, and being told twice is harmless.
        self.position = events[-1].position
        told = False
        while self._classes and not told and not tasks.cancelled():
            try:
                async with self.pool.connection() as conn:
                    for class_ in list(self._classes.values()):
                        await _tell_class(conn, class_, events)
                told = True
            except DATABASE_AWAY as error:
                log.warning("an update waits for the database: %s", str(error).strip().split("\n")[0])
                await asyncio.sleep(PAUSE_S)
            except Exception:  # a fault in one update must not end the feed of everybody
                log.exception("updates up to %s could not be told", self.position)
                self._resync_all()
                return

    def _resync_all(self) -> None:
        for class_ in self._classes.values():
            for subscriber in class_.members():
                subscriber.resync(self.position or 0)


@contextlib.asynccontextmanager
async def running(pool: Pool, *, database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    """Run a hub for as long as the block lasts."""
    redis = bus.connect(redis_url)
    hub = Hub(pool, redis, bus.channels_of(database_url))
    at_work = [asyncio.create_task(hub.follow()), asyncio.create_task(hub.poke_for_ever())]
    try:
        yield hub
    finally:
        await tasks.end(*at_work)
        await redis.aclose()


def note(kind: LiveKind, position: int) -> Update:
    """Make an update that is about the feed itself."""
    return Update(position, kind, f"live.{kind.value.lower()}", datetime.now(UTC))


async def _tell_class(conn: Conn, class_: _Class, events: Sequence[Published]) -> None:
    present = [(view, list(subscribers)) for view, subscribers in class_.views.values()]
    texts = await _texts(conn, class_.selection, [view for view, _ in present], events)
    for (_, subscribers), updates in zip(present, texts, strict=True):
        for position, text in updates:
            for subscriber in subscribers:
                subscriber.offer(position, text)


async def _texts(conn: Conn, selection: Selection, views: Sequence[View], events: Sequence[Published]) -> list[list[tuple[int, str]]]:
    """Write what these events mean to each of the views: each case read once, each update written once."""
    where: LonLats = {}
    if any(view.bbox for view in views):
        where = await _positions(conn, {event.subject_id for event in events if event.subject_kind == "case"})
    judged = [[(event, kind) for event in events if (kind := view.judge(event)) and view.shows(event, where)] for view in views]
    wanted = {event.subject_id for found in judged for event, kind in found if _is_case(event, kind)}
    cases = await selection.read(conn, list(wanted)) if wanted else {}
    written: dict[tuple[int, LiveKind], str] = {}
    texts: list[list[tuple[int, str]]] = []
    for view, found in zip(views, judged, strict=True):
        texts.append([])
        for event, kind in found:
            if _is_case(event, kind) and event.subject_id not in cases:
                if not view.loses(event):
                    continue  # it has moved out of the scope since: a later event says so
                kind = LiveKind.LEAVE
            if (event.position, kind) not in written:
                written[event.position, kind] = selection.write(_update(event, kind, cases))
            texts[-1].append((event.position, written[event.position, kind]))
    return texts


def _is_case(event: Published, kind: LiveKind) -> bool:
    return kind is LiveKind.UPSERT and event.subject_kind == "case"


def _update(event: Published, kind: LiveKind, cases: Mapping[UUID, Mapping[str, object]]) -> Update:
    if event.subject_kind != "case":
        return Update(event.position, kind, event.kind, event.at)
    case = cases[event.subject_id] if kind is LiveKind.UPSERT else None
    return Update(event.position, kind, event.kind, event.at, event.subject_id, case)


async def _positions(conn: Conn, cases: Collection[UUID]) -> LonLats:
    if not cases:
        return {}
    statement = "select id, st_x(position), st_y(position) from cases where id = any(%s)"
    cursor = await conn.execute(statement, (list(cases),))
    return {case_id: (lon, lat) for case_id, lon, lat in await cursor.fetchall()}
