"""Ratings: each reporter rates each result once, the first one moves the case, the worst one counts."""

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.cases.rules import SATISFACTIONS
from domain.errors import Conflict, Invalid, NotFound
from domain.flows import replies
from domain.flows.rating import rate
from tests.flows.conftest import AT
from tests.replies.conftest import Town

pytestmark = pytest.mark.anyio
WORDS = st.sampled_from(SATISFACTIONS)


async def rated(town: Town, code: str, satisfaction: str, **more: object) -> None:
    values = {"words": None, "submission_id": uuid4(), "city": await town.now(), "at": AT} | more
    await rate(town.conn, code, satisfaction, **values)  # type: ignore[arg-type]


async def test_a_good_rating_closes_the_case_and_a_retry_is_the_same_rating(town: Town) -> None:
    done = await town.report()
    await town.handled(done.case_id)
    submission = uuid4()
    for _ in range(2):
        await rated(town, done.tracking_code, "satisfied", words=" 很快 ", submission_id=submission)
    assert await town.case(done.case_id, "state", "satisfaction") == ("closed", "satisfied")
    assert await town.city.rows("select satisfaction, words from case_ratings") == [("satisfied", "很快")]
    other = await town.refused(rated(town, done.tracking_code, "fair", submission_id=submission))
    assert (type(other), other.field) == (Conflict, "submissionId")
    assert isinstance(await town.refused(rated(town, done.tracking_code, "fair")), Conflict)


async def test_a_bad_rating_waits_for_a_supervisor_and_what_is_redone_is_rated_anew(town: Town) -> None:
    done = await town.report()
    await town.handled(done.case_id)
    await rated(town, done.tracking_code, "dissatisfied", words="没清理")
    assert await town.case(done.case_id, "state", "satisfaction") == ("rated", "dissatisfied")
    await town.step("supervisor", done.case_id, "rework", reason="返工")
    assert isinstance(await town.refused(rated(town, done.tracking_code, "satisfied")), Conflict)
    await town.step("clerk", done.case_id, "finish")
    await town.step("supervisor", done.case_id, "verify")
    await rated(town, done.tracking_code, "satisfied")
    assert await town.case(done.case_id, "state", "satisfaction") == ("closed", "satisfied")
    rounds = await town.city.rows("select round, satisfaction from case_ratings order by round")
    assert rounds == [(0, "dissatisfied"), (1, "satisfied")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(given=st.lists(WORDS, min_size=1, max_size=4))
async def test_every_reporter_of_merged_cases_rates_and_the_worst_counts(town: Town, given: list[str]) -> None:
    reports = [await town.report() for _ in given]
    for into, merged in reversed(list(pairwise(reports))):  # a chain: each into the one before, the first answers for all
        await town.step("desk", merged.case_id, "merge", target_id=into.case_id)
    await town.handled(reports[0].case_id)
    for done, satisfaction in zip(reports, given, strict=True):
        await rated(town, done.tracking_code, satisfaction)
    state, worst = await town.case(reports[0].case_id, "state", "satisfaction")
    assert worst == max(given, key=SATISFACTIONS.index)
    assert state == ("rated" if given[0] == "dissatisfied" else "closed")
    assert await town.city.one("select count(*) from case_ratings where case_id = %s", reports[0].case_id) == len(given)


async def test_there_is_a_time_for_rating(town: Town) -> None:
    done = await town.report()
    assert isinstance(await town.refused(rated(town, done.tracking_code, "fair")), Conflict)
    await town.handled(done.case_id)
    late = AT + timedelta(days=7, seconds=1)
    assert isinstance(await town.refused(rated(town, done.tracking_code, "fair", at=late)), Conflict)
    await rated(town, done.tracking_code, "fair", at=AT + timedelta(days=7))


async def test_who_withdrew_does_not_rate(town: Town) -> None:
    one, two = await town.report(), await town.report()
    await town.step("desk", two.case_id, "merge", target_id=one.case_id)
    await replies.withdraw(town.conn, two.tracking_code, "弄错了", submission_id=uuid4(), city=await town.now(), at=AT)
    await town.handled(one.case_id)
    assert isinstance(await town.refused(rated(town, two.tracking_code, "fair")), Conflict)
    await rated(town, one.tracking_code, "fair")


async def test_a_rating_is_one_of_three_by_a_known_code(town: Town) -> None:
    done = await town.report()
    assert (await town.refused(rated(town, done.tracking_code, "great"))).field == "satisfaction"
    assert isinstance(await town.refused(rated(town, done.tracking_code, "fair", words="x" * 1001)), Invalid)
    assert isinstance(await town.refused(rated(town, "AAAA", "fair")), NotFound)
