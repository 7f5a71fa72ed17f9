"""When something was done on a phone whose clock may be wrong by hours or years.

A phone sends what its clock says now along with what it said then; the difference to the server's clock is how wrong it is.
The corrected instant is for people to read. Deadlines know only the server's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# Older than what a phone may resend: such a clock jumped between the deed and the sending, and the true instant is lost.
LONGEST_QUEUE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant by the phone, the same corrected, and by how many seconds the phone was ahead."""

    said_at: datetime
    occurred_at: datetime
    skew_s: float


def corrected(said_at: datetime, *, phone_now: datetime, received_at: datetime) -> Moment:
    """Correct an instant by the phone's error; it never lies after it was received, nor more than 30 days before."""
    skew = phone_now - received_at
    occurred_at = min(max(said_at - skew, received_at - LONGEST_QUEUE), received_at)
    return Moment(said_at, occurred_at, skew.total_seconds())
