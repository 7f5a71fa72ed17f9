"""The doors to deliveries: addresses that never show again, dead letters that can be sent again, and reading that ends a ladder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runtime import deliver
from runtime.adapters import webpush
from runtime.adapters.guard import Guard
from runtime.adapters.http import Outgoing
from runtime.clock import SystemClock
from tests.api.graph import Graph, opened
from tests.simulators import http, robots
from tests.simulators.http import Receiver, Reply
from tests.simulators.push import Browser

SAVE = "mutation($input: SaveEndpointInput!) { saveEndpoint(input: $input) { id secret } }"
LIST = """
query($states: [String!]) { deliveries(filter: {states: $states}) { nodes {
  id caseNumber subject { zh } channel to state attempts lastError readByName log { outcome } } } }
"""


@pytest.fixture
async def graph(tmp_path: Path, database_url: str, redis_url: str) -> AsyncIterator[Graph]:
    async with opened(tmp_path, database_url, redis_url) as found:
        yield found


async def admin(graph: Graph) -> dict[str, str]:
    return await graph.staff("admin", "system_admin")


async def save(graph: Graph, headers: dict[str, str], kind: str, department: str | None, **address: str) -> dict[str, Any]:
    given = {
        "kind": kind, "label": "值班群", "departmentId": str(graph.city.departments[department]) if department else None,
        "address": [{"name": name, "value": value} for name, value in address.items()],
    }  # fmt: skip
    found: dict[str, Any] = (await graph.ask(SAVE, {"input": given}, headers))["saveEndpoint"]
    return found


async def send(graph: Graph) -> int:
    secret = graph.doors.state.settings.signing_key()
    out = Outgoing(guard=Guard(["127.0.0.0/8"]), public_url="https://city.example.org", secret=secret)
    return await deliver.deliver_once(graph.doors.pool, out, SystemClock())


async def test_an_address_is_saved_shown_by_its_hint_only_tried_and_removed(graph: Graph) -> None:
    headers = await admin(graph)
    async with http.running(robots.wecom()) as robot:
        saved = await save(graph, headers, "wecom", "west", url=robot.url(f"/send?key={robots.KEY}"))
        listed = await graph.answer("{ endpoints { id kindName { zh } label hint ownerName waiting } }", headers=headers)
        assert robots.KEY not in listed.text
        assert listed.json()["data"]["endpoints"][0]["hint"] == "127.0.0.1"
        test = await graph.ask("mutation($id: ID!) { testEndpoint(id: $id) { id state subject { zh } } }", {"id": saved["id"]}, headers)
        assert test["testEndpoint"]["subject"]["zh"] == "测试消息"
        assert await send(graph) == 1
        assert "测试消息" in robot.requests[0].json["markdown"]["content"]
        (found,) = (await graph.ask(LIST, {"states": ["sent"]}, headers))["deliveries"]["nodes"]
        assert (found["to"], found["log"]) == ("西镇政府 · 值班群", [{"outcome": "accepted"}])
        assert (await graph.ask("mutation($id: ID!) { removeEndpoint(id: $id) }", {"id": saved["id"]}, headers))["removeEndpoint"]
        assert (await graph.ask("{ endpoints { id } }", headers=headers))["endpoints"] == []


async def test_no_dump_of_the_database_holds_an_address_or_a_secret(graph: Graph) -> None:
    headers = await admin(graph)
    url = "https://oapi.dingtalk.com/robot/send?access_token=geheim-token"
    await save(graph, headers, "dingtalk", "west", url=url, secret="SECgeheim123")
    await save(graph, headers, "sms", "west", phone="13812345678")
    settings = {"url": "https://sms.example.org", "account": "N1", "secret": "pw-geheim"}
    gateway = [{"name": name, "value": value} for name, value in settings.items()]
    await graph.ask('mutation($s: [FieldInput!]!) { saveGateway(kind: "sms", settings: $s) }', {"s": gateway}, headers)
    await graph.report()
    async with graph.doors.pool.connection() as conn:
        for table in ("endpoints", "gateways", "deliveries", "delivery_attempts", "events"):
            row = await (await conn.execute(f"select string_agg(to_jsonb(t)::text, '') from {table} t")).fetchone()
            for secret in ("geheim", "1381234", "access_token"):
                assert secret not in (row[0] or "" if row else ""), table


async def test_a_bad_address_says_which_field_is_wrong(graph: Graph) -> None:
    headers = await admin(graph)
    for kind, address, field in (
        ("sms", {"phone": "call me"}, "phone"), ("email", {"email": "x"}, "email"), ("webhook", {"url": "ftp://x"}, "url"),
        ("webhook", {"url": "https://user:pw@x.example"}, "url"), ("dingtalk", {}, "url"), ("pigeon", {}, "kind"),
    ):  # fmt: skip
        pairs = [{"name": name, "value": value} for name, value in address.items()]
        given = {"kind": kind, "label": "x", "departmentId": str(graph.city.departments["west"]), "address": pairs}
        if kind == "webhook":
            del given["departmentId"]
        assert (await graph.refused(SAVE, {"input": given}, headers))["field"] == field
    await save(graph, headers, "sms", "west", phone="13812345678")
    phone = [{"name": "phone", "value": "13812345678"}]
    again = {"kind": "sms", "label": "x", "departmentId": str(graph.city.departments["west"]), "address": phone}
    assert (await graph.refused(SAVE, {"input": again}, headers))["code"] == "conflict"


async def test_a_webhook_s_secret_is_shown_once(graph: Graph) -> None:
    headers = await admin(graph)
    saved = await save(graph, headers, "webhook", None, url="https://hooks.example.org/x")
    assert saved["secret"].startswith("whsec_")
    assert saved["secret"] not in (await graph.answer("{ endpoints { id hint label } }", headers=headers)).text


async def test_a_dead_letter_is_sent_again_by_hand(graph: Graph) -> None:
    headers = await admin(graph)
    dispatcher = await graph.staff("desk", "dispatcher", area="360502101")
    async with http.running(Receiver()) as hook:
        hook.next(Reply(status=400))
        await save(graph, headers, "webhook", None, url=hook.url())
        report = await graph.report()
        assert await send(graph) >= 1
        (dead,) = (await graph.ask(LIST, {"states": ["dead"]}, dispatcher))["deliveries"]["nodes"]
        assert (dead["caseNumber"], dead["lastError"]) == (report["number"], "HTTP 400")
        counts = (await graph.ask("{ deliveryCounts { channel state count } }", headers=headers))["deliveryCounts"]
        assert {"channel": "webhook", "state": "dead", "count": 1} in counts
        retried = await graph.ask("mutation($id: ID!) { retryDelivery(id: $id) { state } }", {"id": dead["id"]}, headers)
        assert retried["retryDelivery"]["state"] == "pending"
        assert await send(graph) == 1
        refusal = "mutation($id: ID!) { discardDelivery(id: $id, reason: \"x\") { state } }"
        assert (await graph.refused(refusal, {"id": dead["id"]}, headers))["code"] == "conflict", "it was sent"


async def test_a_dispatcher_sees_only_the_messages_of_cases_in_their_area(graph: Graph) -> None:
    headers = await admin(graph)
    await save(graph, headers, "webhook", None, url="https://hooks.example.org/x")
    report = await graph.report()
    west, east = await graph.staff("west", "dispatcher", area="360502101"), await graph.staff("east", "dispatcher", area="360502102")
    assert (await graph.ask(LIST, {}, west))["deliveries"]["nodes"]
    assert (await graph.ask(LIST, {}, east))["deliveries"]["nodes"] == []
    of_case = "query($id: ID!) { case(id: $id) { deliveries { channel state } } }"
    assert (await graph.ask(of_case, {"id": report["caseId"]}, west))["case"]["deliveries"]


async def test_opening_the_link_ends_the_ladder_for_its_addressee_alone(graph: Graph) -> None:
    headers = await admin(graph)
    await save(graph, headers, "sms", "west", phone="13812345678")
    clerk, other = await graph.staff("clerk", "clerk", department="west"), await graph.staff("other", "clerk", department="east")
    await graph.report()
    async with graph.doors.pool.connection() as conn:
        west = graph.city.departments["west"]
        await conn.execute(
            "insert into deliveries (id, created_at, event_kind, template, facts, channel, department_id, ladder_id, rung_kind, state,"
            " next_at, channels, climb_at, last_attempt) select gen_random_uuid(), now(), 'case.dispatch', 'assigned', '{}', 'sms', %s,"
            " '0190c8e0-0000-7000-8000-000000000001', 'first', 'sent', now(), '{sms}', now(), 7",
            (west,),
        )
        row = await (await conn.execute("select id from deliveries where climb_at is not null and case_id is null")).fetchone()
    assert row is not None
    mark = "mutation($id: ID!) { markRead(deliveryId: $id) }"
    assert not (await graph.ask(mark, {"id": str(row[0])}, other))["markRead"]
    assert (await graph.ask(mark, {"id": str(row[0])}, clerk))["markRead"]
    (read,) = (await graph.ask(LIST, {"states": ["read"]}, headers))["deliveries"]["nodes"]
    assert read["readByName"] == "test-clerk"


async def test_a_browser_subscribes_is_pushed_to_and_unsubscribes(graph: Graph) -> None:
    clerk = await graph.staff("clerk", "clerk", department="west")
    key = (await graph.ask("{ vapidKey }", headers=clerk))["vapidKey"]
    assert key == webpush.public_key(graph.doors.state.settings.signing_key())
    browser = Browser(key)
    subscribe = "mutation($input: SubscribePushInput!) { subscribePush(input: $input) }"
    async with http.running(browser.service):
        for _ in range(2):
            assert (await graph.ask(subscribe, {"input": browser.subscription()}, clerk))["subscribePush"]
        headers = await admin(graph)
        (endpoint,) = (await graph.ask("{ endpoints { id kind ownerName } }", headers=headers))["endpoints"]
        await graph.ask("mutation($id: ID!) { testEndpoint(id: $id) { id } }", {"id": endpoint["id"]}, headers)
        assert await send(graph) == 1
        assert browser.messages[0]["title"] == "测试消息"
        gone = "mutation($url: String!) { unsubscribePush(url: $url) }"
        url = browser.service.url("/push/1")
        assert not (await graph.ask(gone, {"url": url}, headers))["unsubscribePush"], "another person's browser"
        assert (await graph.ask(gone, {"url": url}, clerk))["unsubscribePush"]


async def test_departments_that_nobody_can_wake_are_listed(graph: Graph) -> None:
    headers = await admin(graph)
    await save(graph, headers, "sms", "west", phone="13812345678")
    async with graph.doors.pool.connection() as conn:
        ids = graph.city.departments
        await conn.execute("update departments set parent_id = %s where id = %s", (ids["west"], ids["water"]))
    found = (await graph.ask("{ unreachableDepartments { name } }", headers=headers))["unreachableDepartments"]
    assert sorted(row["name"] for row in found) == sorted(["东镇政府", "护路办"])
