"""Rate limits: one token bucket for each limit and subject, in Redis, shared by every API process.

The bucket is kept as one number, the instant at which it would be full again (GCRA). While Redis is away each process
counts for itself, so a limit then holds per process: looser, but never off.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.errors import TooMany

SUBJECTS_IN_PROCESS: Final = 10_000
REDIS_PATIENCE_S: Final = 0.25
REDIS_PAUSE_S: Final = 1.0

# Returns 0 when the bucket had room, else the seconds to wait, as text.
SPEND: Final = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + tonumber(ARGV[1])
local wait = full_at - now - tonumber(ARGV[2])
if wait > 0.000001 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000) + 1000)
return '0'
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """``count`` at once, refilled evenly over ``period_s`` seconds; the names appear in the error."""

    code: str
    count: int
    period_s: float
    name_zh: str
    name_en: str

    @property
    def cost_s(self) -> float:
        """Time in which the bucket gains one."""
        return self.period_s / self.count


_in_process: OrderedDict[str, float] = OrderedDict()
_redis_away_until = 0.0


async def spend(redis: Redis | None, limit: Limit, subject: str, *, amount: int = 1) -> None:
    """Take ``amount`` from the subject's bucket, or raise TooMany naming the limit and the wait."""
    key = f"gridwarden:limit:{limit.code}:{subject}"
    wait_s = await _spend_in_redis(redis, key, limit, amount)
    if wait_s is None:
        wait_s = _spend_in_process(key, limit, amount)
    if wait_s > 0:
        seconds = max(1, round(wait_s + 0.5))
        raise TooMany(
            f"{limit.name_en}: at most {limit.count} in {limit.period_s:g} s; try again in {seconds} s",
            f"{limit.name_zh}：{limit.period_s:g} 秒内最多 {limit.count} 次，请 {seconds} 秒后再试",
            field=limit.code,
        )


async def forgive(redis: Redis | None, limit: Limit, subject: str) -> None:
    """Fill the subject's bucket again."""
    key = f"gridwarden:limit:{limit.code}:{subject}"
    _in_process.pop(key, None)
    if redis is not None and time.monotonic() >= _redis_away_until:
        try:
            async with asyncio.timeout(REDIS_PATIENCE_S):
                await redis.delete(key)
        except (RedisError, OSError, TimeoutError):
            _redis_failed()


async def _spend_in_redis(redis: Redis | None, key: str, limit: Limit, amount: int) -> float | None:
    if redis is None or time.monotonic() < _redis_away_until:
        return None
    try:
        async with asyncio.timeout(REDIS_PATIENCE_S):
            return float(await redis.eval(SPEND, 1, key, str(limit.cost_s * amount), str(limit.period_s)))
    except (RedisError, OSError, TimeoutError):
        _redis_failed()
        return None


def _spend_in_process(key: str, limit: Limit, amount: int) -> float:
    now = time.monotonic()
    full_at = max(_in_process.get(key, now), now) + limit.cost_s * amount
    wait_s = full_at - now - limit.period_s
    if wait_s > 1e-6:
        return wait_s
    _in_process[key] = full_at
    _in_process.move_to_end(key)
    if len(_in_process) > SUBJECTS_IN_PROCESS:
        _in_process.popitem(last=False)
    return 0.0


def _redis_failed() -> None:
    """Leave Redis alone for a moment, so that its absence does not cost every request the patience."""
    global _redis_away_until
    _redis_away_until = time.monotonic() + REDIS_PAUSE_S
