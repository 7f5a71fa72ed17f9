"""The planned read against the naive one: any query, any role, while rows and roles change between queries."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import parse
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from api import limits
from api.registry import registry_of
from api.schema import schema
from domain.people.scope import Grant
from domain.people.sign_in import load_actor
from runtime.database import transaction
from tests.api.graph import Graph, opened
from tests.api.naive import Naive
from tests.api.operations import queries

pytestmark = pytest.mark.anyio

KINDS = schema()._schema
ROLES = ("dispatcher", "clerk", "grid_worker", "rail_guard", "leader", "area_admin")


FIELD_WORK = (
    "insert into case_visits (id, case_id, user_id, at, occurred_at, verdict, distance_m, accuracy_m)"
    " select gen_random_uuid(), c.id, (select min(id::text)::uuid from users), now(), c.opened_at, 'inside', 12.5, 8 from cases c limit 4",
    "insert into case_notes (id, case_id, author_id, kind, text, at, occurred_at, attempted)"
    " select gen_random_uuid(), c.id, (select min(id::text)::uuid from users), k, '现场', now(), now(), case k when 'conflict'"
    """ then '{"kind": "step", "verb": "finish"}'::jsonb end from cases c, unnest(array['note', 'conflict']) k""",
    "insert into photos (id, note_id, role, released_at, media_key, claim_hash, width, height, byte_count, created_at)"
    " select gen_random_uuid(), n.id, 'after', now(), 'k', uuid_send(n.id), 64, 48, 1, now() from case_notes n where n.kind = 'note'",
    "insert into case_messages (id, case_id, report_id, kind, text, text_en, at)"
    " select gen_random_uuid(), r.case_id, r.id, 'auto_reply', '您好', 'Hello', now() from reports r",
    "insert into case_ratings (id, case_id, report_id, round, satisfaction, at, submission_id)"
    " select gen_random_uuid(), r.case_id, r.id, 0, 'fair', now(), gen_random_uuid() from reports r",
)


class Living:
    """A city with cases in it and one member of staff, both of which a test may change."""

    def __init__(self, graph: Graph, headers: dict[str, str], user_id: UUID) -> None:
        self.graph, self.headers, self.user_id = graph, headers, user_id

    async def change(self, kind: str, number: int) -> None:
        """Change a row or what the person may do."""
        async with transaction(self.graph.doors.pool) as conn:
            ids = [row[0] for row in await (await conn.execute("select id from cases order by id")).fetchall()]
            chosen = ids[number % len(ids)]
            departments = [None, *self.graph.city.departments.values()]
            areas = [None, *(self.graph.city.areas[code] for code in ("360502", "360502101", "360502101001000"))]
            if kind == "transfer":
                given = departments[number % len(departments)]
                await conn.execute("update cases set department_id = %s, revision = revision + 1 where id = %s", (given, chosen))
            elif kind == "close":
                await conn.execute("update cases set state = 'closed', closed_at = now() where id = %s", (chosen,))
            elif kind == "reopen":
                await conn.execute("update cases set state = 'filed', closed_at = null where id = %s", (chosen,))
            else:
                await conn.execute("delete from user_roles where user_id = %s", (self.user_id,))
                grant = Grant(ROLES[number % len(ROLES)], areas[number % len(areas)], None)
                if number % 5 == 0:
                    grant = Grant(grant.role, None, departments[1 + number % (len(departments) - 1)])
                await conn.execute(
                    "insert into user_roles (id, user_id, role, area_id, department_id) values (gen_random_uuid(), %s, %s, %s, %s)",
                    (self.user_id, grant.role, grant.area_id, grant.department_id),
                )
        self.graph.doors.state.actors.clear()  # an actor is kept for a second; the next query is to see the change


@pytest.fixture
async def living(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Living]:
    async with opened(tmp_path, database_url, redis_url) as graph:
        for column in range(3):
            for row in range(2):
                matter = str(graph.city.matters["rubbish" if row else "cover"])
                await graph.report(position=graph.at(column + 0.3, row + 0.4), matterId=matter)
        await graph.report(position=graph.at(40, 40), matterId=None)
        headers = await graph.staff("someone", "dispatcher")
        alert = {"kind": "person_on_track", "position": graph.at(1.5, 1.5), "occurredAt": datetime.now(UTC).isoformat()}
        raised = "mutation($input: RaiseAlertInput!) { raiseAlert(input: $input) { caseId } }"
        await graph.ask(raised, {"input": {"submissionId": "0190c8e0-0000-7000-8000-000000000001", **alert}}, headers)
        async with transaction(graph.doors.pool) as conn:
            # Deadlines far from now, so that planner and oracle cannot differ by the instant they ask at.
            past = datetime.now(UTC) - timedelta(days=3)
            await conn.execute("update cases set due_at = %s where number like '%%1'", (past,))
            await conn.execute(
                "insert into photos (id, report_id, media_key, claim_hash, width, height, byte_count, taken_at, created_at)"
                " select gen_random_uuid(), id, 'k', uuid_send(id), 640, 480, 1, '2026-01-01T08:00:00.123456+08', now()"
                " from reports limit 2"
            )
            for statement in FIELD_WORK:
                await conn.execute(statement)
            found = await (await conn.execute("select id from users where username = 'test-someone'")).fetchall()
        yield Living(graph, headers, found[0][0])


# Most examples begin with another grant: a role too many reads alike to be told from its neighbours otherwise.
CHANGES = st.lists(st.tuples(st.sampled_from(["grant", "grant", "grant", "transfer", "close", "reopen"]), st.integers(0, 60)), max_size=3)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(query=queries(KINDS), yes=st.booleans(), no=st.booleans(), changes=CHANGES)
async def test_a_planned_read_answers_what_the_naive_one_does(
    living: Living, query: str, yes: bool, no: bool, changes: list[tuple[str, int]]
) -> None:
    document = parse(query)
    assume(not limits.check(document))
    for kind, number in changes:
        await living.change(kind, number)
    for variables in ({"yes": yes, "no": no}, {"yes": not yes, "no": not no}):  # the second time the document is known
        planned = (await living.graph.answer(query, variables, living.headers)).content
        async with transaction(living.graph.doors.pool) as conn:
            actor = await load_actor(conn, living.user_id)
            expected = await Naive(conn, registry_of(KINDS), actor, datetime.now(UTC), document, variables).data()
        # Byte for byte, so that order, nulls and the writing of instants are compared as well.
        assert _written(orjson.loads(planned)) == _written(orjson.loads(orjson.dumps({"data": expected}, option=orjson.OPT_UTC_Z)))


def _written(answer: Any) -> str:
    """Write an answer in one way: 8 and 8.0 are the same number in JSON."""
    return orjson.dumps(_numbers(answer)).decode()


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
