"""Instants of phones with wrong clocks."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.field.moments import LONGEST_QUEUE, corrected

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ERRORS = st.timedeltas(min_value=timedelta(days=-20_000), max_value=timedelta(days=20_000))
WAITS = st.timedeltas(min_value=timedelta(0), max_value=LONGEST_QUEUE)


@given(ERRORS, WAITS)
def test_a_steady_clock_however_wrong_gives_the_true_instant(error: timedelta, ago: timedelta) -> None:
    found = corrected(NOW - ago + error, phone_now=NOW + error, received_at=NOW)
    assert found.occurred_at == NOW - ago
    assert found.said_at == NOW - ago + error
    assert found.skew_s == error.total_seconds()


@given(ERRORS, ERRORS)
def test_a_clock_that_jumped_gives_nothing_from_the_future_nor_from_before_the_queue(said: timedelta, now: timedelta) -> None:
    found = corrected(NOW + said, phone_now=NOW + now, received_at=NOW)
    assert NOW - LONGEST_QUEUE <= found.occurred_at <= NOW


def test_sending_again_later_gives_the_same_instant() -> None:
    error = timedelta(hours=-8)
    first = corrected(NOW + error, phone_now=NOW + error, received_at=NOW)
    later = corrected(NOW + error, phone_now=NOW + error + timedelta(days=2), received_at=NOW + timedelta(days=2))
    assert first.occurred_at == later.occurred_at == NOW
