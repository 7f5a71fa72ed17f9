"""Actions of phones: taken once, in order, and never lost whatever happened to the case meanwhile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import DomainError, NotFound
from domain.field.given import FieldAction, in_order
from domain.field.record import ACTIONS_KEPT, forget_old
from domain.flows import field_work
from domain.flows.field_work import Outcome, TooEarly
from domain.people.scope import Actor
from domain.reports.photos import Unclaimable
from tests.field.conftest import HERE, Site, action
from tests.flows.conftest import AT

pytestmark = pytest.mark.anyio
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


async def accepted(site: Site, given: FieldAction, **more: Any) -> Outcome:
    found = await site.act(given, **more)
    assert isinstance(found, Outcome), found
    assert found.status == "accepted", found
    return found


async def day(site: Site, case_id: UUID, stage: UUID) -> list[FieldAction]:
    """A worker's day at one case, all of it without a connection."""
    done = [
        action(case_id, "step", verb="accept", seen=stage),
        action(case_id, "arrive", position=HERE),
        action(case_id, "photo", role="before", photo_claims=(await site.photo(),)),
        action(case_id, "step", verb="start", seen=stage),
        action(case_id, "note", text="已清理一半"),
        action(case_id, "photo", role="after", photo_claims=(await site.photo(), await site.photo())),
        action(case_id, "step", verb="finish", seen=stage),
    ]
    chained = [done[0]]
    for i, item in enumerate(done[1:]):
        chained.append(replace(item, after=done[i].id, occurred_at=AT - timedelta(minutes=60 - i)))
    return chained


async def told(site: Site, case_id: UUID) -> dict[str, Any]:
    """Everything field work has left on a case, without ids."""
    return {
        "state": await site.city.one("select state from cases where id = %s", case_id),
        "steps": await site.city.rows("select verb, occurred_at from case_transitions where case_id = %s order by at, id", case_id),
        "notes": await site.city.rows("select kind, text, occurred_at, attempted from case_notes where case_id = %s order by id", case_id),
        "visits": await site.city.rows("select verdict, distance_m, occurred_at from case_visits where case_id = %s order by id", case_id),
        "photos": await site.city.rows(
            "select p.role, count(*) from photos p join case_notes n on n.id = p.note_id where n.case_id = %s group by 1 order by 1",
            case_id,
        ),
        "actions": await site.city.rows("select kind, refusal from field_actions where case_id = %s order by occurred_at, kind", case_id),
    }


async def test_a_day_without_a_connection_is_taken_in_at_once(site: Site) -> None:
    case_id, stage = await site.case()
    found = [await accepted(site, item) for item in await day(site, case_id, stage)]
    left = await told(site, case_id)
    assert (found[-1].state, found[-1].warning) == ("handled", None)
    assert [verb for verb, _ in left["steps"]][-3:] == ["accept", "start", "finish"]
    assert left["visits"][0][0] == "inside"
    assert left["photos"] == [("after", 2), ("before", 1)]
    kinds = await site.city.rows("select kind from events where subject_id = %s order by seq", case_id)
    assert [kind for (kind,) in kinds][-7:] == [
        "case.accept", "case.visited", "case.photographed", "case.start", "case.noted", "case.photographed", "case.finish",
    ]  # fmt: skip


async def send(site: Site, batch: list[FieldAction], queue: dict[UUID, FieldAction], lost: bool) -> None:
    """Send a batch as the phone does; answers may be lost, and what was answered for good leaves the queue."""
    for place in in_order(batch):
        item = batch[place]
        found = await site.act(item)
        final = isinstance(found, Outcome) and not found.retry
        if isinstance(found, DomainError):
            assert isinstance(found, TooEarly), found
        if final and not lost:
            queue.pop(item.id, None)


SENDINGS = st.lists(st.tuples(st.lists(st.integers(0, 6), max_size=12), st.booleans()), max_size=6)


@SLOW
@given(sendings=SENDINGS, rest=st.permutations(range(7)))
async def test_batches_resent_reordered_doubled_and_torn_end_where_one_in_order_does(
    site: Site, sendings: list[tuple[list[int], bool]], rest: list[int]
) -> None:
    straight_id, stage = await site.case()
    for item in await day(site, straight_id, stage):
        await accepted(site, item)
    case_id, stage = await site.case()
    items = await day(site, case_id, stage)
    queue = {item.id: item for item in items}
    for places, lost in sendings:
        await send(site, [items[place] for place in places], queue, lost)
    await send(site, [items[place] for place in rest if items[place].id in queue], queue, lost=False)  # signal is good again
    assert queue == {}
    assert await told(site, case_id) == await told(site, straight_id)


@SLOW
@given(interferences=st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["transfer", "recall"])), max_size=2))
async def test_whatever_others_do_meanwhile_every_action_is_done_or_kept_as_a_conflict(
    site: Site, interferences: list[tuple[int, str]]
) -> None:
    case_id, stage = await site.case()
    items = await day(site, case_id, stage)
    east = site.city.departments["east"]
    for i, item in enumerate(items):
        for _, verb in [one for one in interferences if one[0] == i]:
            try:
                async with site.city.conn.transaction():
                    await site.step(site.dispatcher, case_id, verb, department_id=east if verb == "transfer" else None, reason="另有安排")
            except DomainError:
                continue  # the desk came too late
        found = await site.act(item)
        assert isinstance(found, Outcome)
        again = await site.act(item)
        assert isinstance(again, Outcome)
        assert (again.status, again.error) == ("repeated", found.error)
    left = await told(site, case_id)
    conflicts = [row for row in left["notes"] if row[0] == "conflict"]
    done = len(left["visits"]) + len(left["notes"]) - len(conflicts)
    steps = sum(occurred_at is not None for _, occurred_at in left["steps"])
    assert len(conflicts) + done + steps == len(items)
    assert len(conflicts) == sum(refusal is not None for _, refusal in left["actions"])
    assert sum(count for _, count in left["photos"]) == 3


async def test_a_step_on_a_case_others_have_moved_and_moved_back_is_not_taken(site: Site) -> None:
    case_id, stage = await site.case()
    other = Actor(site.city.users["staff"], "other", "同事", None, site.worker.grants)
    await accepted(site, action(case_id, "step", verb="accept", seen=stage))
    await site.step(other, case_id, "return", reason="不是我们的")
    await site.step(site.dispatcher, case_id, "dispatch", department_id=site.city.departments["west"])
    await site.step(other, case_id, "accept")
    found = await site.act(action(case_id, "step", verb="finish", seen=stage, reason="已处理"))
    assert isinstance(found, Outcome)
    assert found.error is not None
    assert (found.status, found.error["field"], found.state) == ("refused", "seen", "accepted")
    ((kind, text, attempted),) = await site.city.rows("select kind, text, attempted from case_notes where case_id = %s", case_id)
    assert (kind, text, attempted) == ("conflict", "已处理", {"kind": "step", "verb": "finish", "reason": "已处理", "error": "conflict"})
    now = await site.stage(case_id)
    await accepted(site, action(case_id, "step", verb="finish", seen=now, reason="已处理"))


async def test_what_does_not_move_a_case_does_not_stand_in_the_way(site: Site) -> None:
    case_id, stage = await site.case()
    await site.step(site.dispatcher, case_id, "supervise", reason="领导关注")
    assert (await accepted(site, action(case_id, "step", verb="accept", seen=stage))).state == "accepted"


async def test_two_days_later_the_same_action_is_the_same_one_and_another_under_its_id_is_refused(site: Site) -> None:
    case_id, _ = await site.case()
    note = action(case_id, "note", text="到现场了")
    await accepted(site, note)
    later = AT + timedelta(days=2)
    again = await site.act(replace(note, phone_now=later), at=later)
    assert isinstance(again, Outcome)
    assert again.status == "repeated"
    for other in (replace(note, text="别的"), replace(note, case_id=(await site.case())[0])):
        assert getattr(await site.act(other), "code", "") == "conflict"
    stranger = Actor(site.city.users["staff"], "other", "同事", None, site.worker.grants)
    assert getattr(await site.act(note, actor=stranger), "code", "") == "conflict"
    assert len((await told(site, case_id))["notes"]) == 1
    await forget_old(site.city.conn, at=later)
    assert len((await told(site, case_id))["actions"]) == 1
    await forget_old(site.city.conn, at=AT + ACTIONS_KEPT + timedelta(seconds=1))
    assert (await told(site, case_id))["actions"] == []


async def test_a_wrong_clock_is_corrected_and_deadlines_know_only_the_servers(site: Site) -> None:
    case_id, stage = await site.case()
    wrong = timedelta(days=-400)
    given = action(case_id, "step", verb="accept", seen=stage, occurred_at=AT + wrong - timedelta(hours=3), phone_now=AT + wrong)
    await accepted(site, given)
    said, occurred, skew = await site.city.one("select said_at, occurred_at, skew_s from field_actions where id = %s", given.id)
    assert (said, occurred, skew) == (AT + wrong - timedelta(hours=3), AT - timedelta(hours=3), wrong.total_seconds())
    at, accepted_at = await site.city.one(
        "select t.at, c.accepted_at from case_transitions t join cases c on c.id = t.case_id where t.command_id = %s", given.id
    )
    assert (at, accepted_at) == (AT, AT)


async def test_a_photo_that_is_gone_is_asked_for_again_under_the_same_id(site: Site) -> None:
    case_id, _ = await site.case()
    given = action(case_id, "photo", role="after", photo_claims=("forgotten",))
    assert isinstance(await site.act(given), Unclaimable)
    assert (await told(site, case_id))["actions"] == []
    await accepted(site, replace(given, photo_claims=(await site.photo(),)))
    assert (await told(site, case_id))["photos"] == [("after", 1)]


async def test_work_finished_without_a_photo_is_warned_of_or_refused_as_the_city_chose(site: Site) -> None:
    case_id, stage = await site.case()
    await accepted(site, action(case_id, "step", verb="accept", seen=stage))
    finish = action(case_id, "step", verb="finish", seen=stage)
    await site.city.conn.execute("insert into installation (key, value, at) values (%s, 'refuse', %s)", (field_work.FINISH_OPTION, AT))
    assert getattr(await site.act(finish), "field", "") == "photoClaims"
    await site.city.conn.execute("update installation set value = 'warn' where key = %s", (field_work.FINISH_OPTION,))
    found = await accepted(site, finish)
    assert found.warning == field_work.NO_PHOTO
    assert found.state == "handled"


async def test_a_case_that_never_was_theirs_is_not_there(site: Site) -> None:
    case_id, _ = await site.case()
    stranger = site.city.actor("clerk", department="water")
    for one in (action(case_id, "note", text="x"), action(uuid4(), "note", text="x"), action(case_id, "step", verb="accept")):
        assert isinstance(await site.act(one, actor=stranger), NotFound)
    leader = site.city.actor("leader")
    assert getattr(await site.act(action(case_id, "note", text="x"), actor=leader), "code", "") == "forbidden"
    left = await told(site, case_id)
    assert (left["notes"], left["actions"]) == ([], [])


async def test_whom_a_complaint_is_about_leaves_nothing_on_it(site: Site) -> None:
    case_id, _ = await site.case()
    await site.city.conn.execute(
        "update cases set about_department_id = %s, department_id = null where id = %s", (site.city.departments["west"], case_id)
    )
    assert isinstance(await site.act(action(case_id, "note", text="x")), NotFound)


async def test_where_the_person_stood_is_kept_nowhere(site: Site) -> None:
    case_id, _ = await site.case()
    lon = HERE[0] + 0.0004321
    await accepted(site, action(case_id, "arrive", position=(lon, HERE[1], "WGS84", 5.0)))
    assert (await told(site, case_id))["visits"][0][1] == pytest.approx(42.5, abs=1)
    named = "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
    for (table,) in await site.city.rows(named):
        rows = await site.city.rows(f'select count(*) from "{table}" t where t::text like %s', f"%{lon:.7f}%")
        assert rows == [(0,)], table


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "fly"}, "kind"),
        ({"kind": "note"}, "text"),
        ({"kind": "note", "text": "x" * 2001}, "text"),
        ({"kind": "note", "text": "a\0"}, "text"),
        ({"kind": "note", "text": "x", "photo_claims": ("a",)}, "photoClaims"),
        ({"kind": "photo", "role": "after"}, "photoClaims"),
        ({"kind": "photo", "photo_claims": ("a",)}, "role"),
        ({"kind": "photo", "role": "after", "photo_claims": ("a", "a")}, "photoClaims"),
        ({"kind": "step"}, "verb"),
        ({"kind": "arrive", "position": (200.0, 1.0, "WGS84", None)}, "position"),
        ({"kind": "arrive", "occurred_at": AT.replace(tzinfo=None)}, "occurredAt"),
        ({"kind": "arrive", "phone_now": AT.replace(year=9999)}, "phoneNow"),
    ],
)  # fmt: skip
async def test_an_action_without_meaning_is_refused_by_the_name_of_its_field_and_not_kept(
    site: Site, given: dict[str, Any], field: str
) -> None:
    case_id, _ = await site.case()
    found = await site.act(action(case_id, **given))
    assert isinstance(found, DomainError)
    assert found.field == field
    assert (await told(site, case_id))["actions"] == []


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
def test_a_batch_is_taken_in_the_order_it_was_done(order: list[int], doubled: list[int]) -> None:
    done = [action(UUID(int=1), "note", text=str(i), id=UUID(int=i + 1), after=UUID(int=i) if i else None) for i in range(6)]
    batch = [done[i] for i in [*order, *doubled]]
    places = in_order(batch)
    assert sorted(places) == list(range(len(batch)))
    first = [batch[place].id.int for place in places]
    assert list(dict.fromkeys(first)) == [1, 2, 3, 4, 5, 6]


def test_a_batch_that_bites_its_tail_is_taken_as_it_came() -> None:
    one, two = (action(UUID(int=1), "note", text="x", id=UUID(int=i), after=UUID(int=3 - i)) for i in (1, 2))
    assert sorted(in_order([one, two])) == [0, 1]
