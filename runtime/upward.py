"""The connectors' jobs: cases are sent to platforms above by Procrastinate's queue in PostgreSQL, and their states asked for.

The queue's tables lie in the schema ``jobs``; connections of its own find them there. It counts by the database's time, which is why
only connectors use it: deadlines follow the injected clock. A worker that is killed leaves its job marked as running; ``rescue``
gives such jobs back once the worker's heartbeat has stopped.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import procrastinate
import procrastinate.exceptions
import psycopg
from procrastinate import JobContext, RetryDecision
from procrastinate.jobs import Job
from psycopg.conninfo import make_conninfo

from domain.connectors import targets
from domain.connectors.targets import Target
from domain.deliveries import sealing
from domain.errors import Invalid
from domain.flows import upward
from domain.flows.upward import PUSH, QUEUE, Heard, Waiting
from runtime import open311_client, tasks
from runtime.adapters.http import Outgoing
from runtime.clock import Clock
from runtime.database import Pool, transaction
from runtime.open311_client import Later, Never

log = logging.getLogger(__name__)

AT_ONCE: Final = 4
MAX_ATTEMPTS: Final = 12
FIRST_WAIT_S: Final = 30
LONGEST_WAIT_S: Final = 3600
POLL_S: Final = 5.0
SILENT_S: Final = 30.0
RESCUE_EVERY_S: Final = 30.0


class Again(procrastinate.BaseRetryStrategy):
    """Try again with pauses that double from half a minute to an hour, twelve times: some five hours in all."""

    def __init__(self, first_wait_s: int = FIRST_WAIT_S) -> None:
        self.first_wait_s = first_wait_s

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Decide after an attempt; other errors than Later are faults of ours and end the job."""
        if not isinstance(exception, Later) or job.attempts + 1 >= MAX_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": min(self.first_wait_s << job.attempts, LONGEST_WAIT_S)})


@dataclass(frozen=True, slots=True)
class Upward:
    """What the jobs work with."""

    pool: Pool
    out: Outgoing
    clock: Clock
    first_wait_s: int = FIRST_WAIT_S

    def app(self, database_url: str) -> procrastinate.App:
        """Make the application that knows the jobs; its connections find the queue's tables in the schema ``jobs``."""
        conninfo = make_conninfo(database_url, options="-c search_path=jobs,public")
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=AT_ONCE + 1))

        @app.task(name=PUSH, queue=QUEUE, retry=Again(self.first_wait_s), pass_context=True)
        async def push(context: JobContext, upward_id: str) -> None:
            await self.push(UUID(upward_id), last=(context.job.attempts if context.job else 0) + 1 >= MAX_ATTEMPTS)

        return app

    async def push(self, upward_id: UUID, *, last: bool = False) -> None:
        """Send one case; raises Later when it is to be tried again."""
        async with self.pool.connection() as conn:
            handed = await upward.facts(conn, upward_id)
        if handed is None:
            return
        try:
            posted = await open311_client.post(self.out, handed, api_key=self._key(handed.target), resend_key=str(upward_id))
        except (Later, Never, Invalid) as error:
            for_good = last or not isinstance(error, Later)
            async with transaction(self.pool) as conn:
                await upward.failed(conn, upward_id, str(error), for_good=for_good)
            if not for_good:
                raise
            log.warning("case %s was not taken by %s: %s", handed.number, handed.target.code, error)
            return
        async with transaction(self.pool) as conn:
            await upward.sent(conn, upward_id, number=posted.number, token=posted.token, at=self.clock.now())

    async def ask_all(self) -> int:
        """Ask every platform for the states that are due to be asked for; gives how many were news."""
        async with transaction(self.pool) as conn:
            waiting = await upward.to_ask(conn, at=self.clock.now())
        by_target: defaultdict[UUID, list[Waiting]] = defaultdict(list)
        for one in waiting:
            by_target[one.target_id].append(one)
        return sum(await asyncio.gather(*(self._ask(target_id, asked) for target_id, asked in by_target.items())))

    async def _ask(self, target_id: UUID, waiting: list[Waiting]) -> int:
        async with self.pool.connection() as conn:
            target = await targets.by_id(conn, target_id)
        said: dict[UUID, Heard] = {}
        try:
            for one in waiting:
                if one.number is None and one.token is not None and (number := await open311_client.number_of(self.out, target, one.token)):
                    said[one.id] = Heard(number=number, status="open")
            numbers = [one.number for one in waiting if one.number is not None]
            states = await open311_client.states(self.out, target, numbers) if numbers else {}
            said |= {one.id: states[one.number] for one in waiting if one.number is not None and one.number in states}
        except (Later, Never) as error:
            log.warning("%s does not tell how far its cases are: %s", target.code, error)
        news = 0
        async with transaction(self.pool) as conn:
            for upward_id, heard in said.items():
                news += await upward.heard(conn, upward_id, heard, at=self.clock.now())
        return news

    def _key(self, target: Target) -> str | None:
        if target.sealed_key is None:
            return None
        return sealing.unseal(self.out.secret, upward.seal_name(target.id), bytes(target.sealed_key))["key"]


async def run(database_url: str, work: Upward, *, until_empty: bool = False) -> None:
    """Do jobs until cancelled, or until none is left; raises psycopg.Error when the database goes away."""
    try:
        async with work.app(database_url).open_async() as app:
            rescuing = asyncio.create_task(_rescue_for_ever(app))
            try:
                await app.run_worker_async(
                    queues=[QUEUE], concurrency=AT_ONCE, install_signal_handlers=False, fetch_job_polling_interval=POLL_S,
                    wait=not until_empty, delete_jobs="successful", shutdown_graceful_timeout=work.out.within_s,
                    stalled_worker_timeout=SILENT_S,
                )  # fmt: skip
            finally:
                await tasks.end(rescuing)
    except procrastinate.exceptions.ProcrastinateException as error:
        raise psycopg.OperationalError(str(error)) from error  # what every other job of the worker raises


async def rescue(app: procrastinate.App, *, silent_s: float = SILENT_S) -> int:
    """Give jobs of workers that are gone back to the queue; returns how many."""
    stalled = list(await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=silent_s))
    for job in stalled:
        await app.job_manager.retry_job(job)
    return len(stalled)


async def _rescue_for_ever(app: procrastinate.App) -> None:
    while not tasks.cancelled():
        await rescue(app)
        await asyncio.sleep(RESCUE_EVERY_S)
