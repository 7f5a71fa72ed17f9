"""The table of retries: how long after which failure a message is tried again, and for how long a receiver is left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

# After the first failure, the second ...; the last attempt has no row, for after it the message is given up.
AFTER: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 20, 60, 300, 1800, 7200))
ATTEMPTS: Final = len(AFTER) + 1
SPREAD_SHARE: Final = 0.2
# How long an endpoint rests after so many failures in a row, so that one that is down does not hold up the others.
REST: Final = tuple(timedelta(seconds=seconds) for seconds in (0, 2, 10, 60, 300))
# Robots take 20 messages a minute; DingTalk shuts out whoever goes on for ten minutes.
LIMITED_REST: Final = {"wecom": timedelta(seconds=60), "dingtalk": timedelta(minutes=10)}
LIMITED_ELSE: Final = timedelta(seconds=30)
LONGEST_ASKED: Final = timedelta(hours=2)


def pause(left: int, chance: float) -> timedelta:
    """Give the pause before the next attempt when ``left`` are left; ``chance`` (0-1) spreads it by a fifth either way."""
    wait = AFTER[min(max(len(AFTER) - left, 0), len(AFTER) - 1)]
    return wait * (1 - SPREAD_SHARE + 2 * SPREAD_SHARE * chance)


def rest(failures: int) -> timedelta:
    """Give how long an endpoint rests after so many failures in a row."""
    return REST[min(failures, len(REST)) - 1] if failures else timedelta()


def limited_rest(channel: str, asked_s: float | None) -> timedelta:
    """Give how long an endpoint rests that said we send too fast; what it asks for wins, up to two hours."""
    if asked_s is not None:
        return min(timedelta(seconds=max(asked_s, 1.0)), LONGEST_ASKED)
    return LIMITED_REST.get(channel, LIMITED_ELSE)
