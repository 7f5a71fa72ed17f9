"""Every channel against its simulator: what is sent, what each answer means, and what never leaves the house."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from domain.deliveries import letters
from domain.deliveries.letters import Letter
from runtime.adapters import dingtalk, mail, sms, webhook, webpush, wecom
from runtime.adapters.guard import Guard, trust
from runtime.adapters.http import Outgoing
from runtime.adapters.webpush import unb64
from runtime.settings import Settings
from runtime.tls import ensure_certificate
from tests.simulators import http, robots, smtp
from tests.simulators.http import HANG, Receiver, Reply, said
from tests.simulators.push import Browser

INSTALLATION = b"the installation's secret of the tests"
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
FACTS = {"number": "20261120-000017", "title": "暴露生活垃圾", "grid": "网格00", "due_at": "2026-11-20T10:00:00+00:00"}
OUT = Outgoing(guard=Guard(["127.0.0.0/8"]), within_s=20, public_url="https://city.example.org", secret=INSTALLATION)

IMPATIENT = dataclasses.replace(OUT, within_s=0.5)


def letter(channel: str, address: dict[str, str], gateway: dict[str, str] | None = None, **more: Any) -> Letter:
    title, text = letters.words("assigned", "zh", FACTS)
    delivery_id = more.pop("id", None) or uuid4()
    values: dict[str, Any] = {
        "id": delivery_id, "channel": channel, "address": address, "gateway": gateway or {}, "title": title, "text": text,
        "link": letters.link_to("https://city.example.org", UUID(int=5), delivery_id, "assigned"), "event_kind": "case.dispatch",
        "event_id": UUID(int=9), "facts": FACTS, "created_at": AT, "sent_at": datetime.now(UTC),
    }  # fmt: skip
    return Letter(**(values | more))


def wecom_letter(to: Receiver, **more: Any) -> Letter:
    return letter("wecom", {"url": to.url(f"/cgi-bin/webhook/send?key={robots.KEY}")}, **more)


def ding_letter(to: Receiver, **more: Any) -> Letter:
    return letter("dingtalk", {"url": to.url(f"/robot/send?access_token={robots.TOKEN}"), "secret": robots.DING_SECRET}, **more)


def sms_gateway(to: Receiver) -> dict[str, str]:
    return {"url": to.url("/msg/v1/send/json"), **robots.SMS_ACCOUNT, "signature": "新余网格"}


async def test_a_wecom_group_is_told_number_matter_grid_deadline_and_link() -> None:
    async with http.running(robots.wecom()) as robot:
        sent = wecom_letter(robot)
        assert (await wecom.send(OUT, sent)).kind == "accepted"
    content = robot.requests[0].json["markdown"]["content"]
    for said_of in ("20261120-000017", "暴露生活垃圾", "网格00", "11月20日 18:00", f"/?case={UUID(int=5)}&d={sent.id}"):
        assert said_of in content


async def test_a_title_cannot_mention_everybody_in_a_group_or_bring_a_link_of_its_own() -> None:
    async with http.running(robots.wecom()) as robot:
        await wecom.send(OUT, wecom_letter(robot, text="<@all> [点我](https://evil.example)"))
    content = robot.requests[0].json["markdown"]["content"]
    assert "<@" not in content
    assert "](https://evil" not in content


async def test_a_message_too_long_for_a_robot_is_cut_but_its_link_is_whole() -> None:
    async with http.running(robots.wecom()) as robot:
        sent = wecom_letter(robot, text="垃圾" * 3000)
        assert (await wecom.send(OUT, sent)).kind == "accepted"
        assert robot.requests[0].json["markdown"]["content"].endswith(f"({sent.link})")


async def test_robots_that_limit_us_say_so_and_a_wrong_key_means_the_address_is_gone() -> None:
    async with http.running(robots.wecom(per_minute=1)) as robot, http.running(robots.dingtalk(per_minute=1)) as ding:
        assert [(await wecom.send(OUT, wecom_letter(robot))).kind for _ in range(2)] == ["accepted", "limited"]
        assert [(await dingtalk.send(OUT, ding_letter(ding))).kind for _ in range(2)] == ["accepted", "limited"]
        wrong = await wecom.send(OUT, letter("wecom", {"url": robot.url("/send?key=other")}))
        assert (wrong.kind, wrong.gone, wrong.detail) == ("refused", True, "errcode 93000")


async def test_a_dingtalk_robot_checks_the_signature_and_its_age() -> None:
    async with http.running(robots.dingtalk()) as ding:
        assert (await dingtalk.send(OUT, ding_letter(ding))).kind == "accepted"
        old = await dingtalk.send(OUT, ding_letter(ding, sent_at=datetime.now(UTC) - timedelta(hours=2)))
        assert (old.kind, old.detail) == ("refused", "errcode 310000")


async def test_a_text_message_sent_again_is_the_same_message_to_the_gateway() -> None:
    async with http.running(robots.sms()) as gateway:
        sent = letter("sms", {"phone": "13800001234"}, sms_gateway(gateway))
        first, again = await sms.send(OUT, sent), await sms.send(OUT, sent)
    assert (first.kind, first.detail) == (again.kind, again.detail) == ("accepted", "msgId 17041010383624000")
    assert gateway.requests[0].json["msg"].startswith("【新余网格】新案件待受理：20261120-000017")


async def test_what_a_gateway_for_text_messages_answers_is_understood() -> None:
    async with http.running(robots.sms()) as gateway:
        cases = (("103", "limited"), ("104", "later"), ("107", "refused"))
        for code, kind in cases:
            gateway.next(said(code=code))
            assert (await sms.send(OUT, letter("sms", {"phone": "13800001234"}, sms_gateway(gateway)))).kind == kind
    assert (await sms.send(OUT, letter("sms", {"phone": "13800001234"}))).kind == "refused", "no gateway is set up"


async def test_a_browser_reads_what_was_pushed_to_it_and_knows_who_sent_it() -> None:
    browser = Browser(webpush.public_key(INSTALLATION))
    async with http.running(browser.service):
        sent = letter("webpush", browser.subscription())
        assert (await webpush.send(OUT, sent)).kind == "accepted"
        foreign = dataclasses.replace(OUT, secret=b"another installation")
        assert (await webpush.send(foreign, sent)).kind == "refused"
        browser.service.next(Reply(status=410))
        assert (await webpush.send(OUT, sent)).gone, "the browser has gone"
    (message,) = browser.messages
    assert message["url"] == sent.link
    assert b"20261120" not in browser.service.requests[0].body


def test_the_example_of_rfc_8291_comes_out_byte_for_byte() -> None:
    sender = ec.derive_private_key(int.from_bytes(unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1())
    body = webpush.encrypt(
        b"When I grow up, I want to be a watermelon",
        unb64("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        unb64("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=unb64("DGv6ra1nlYgDCS1FRnbzlw"),
        sender=sender,
    )
    assert webpush.b64(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6"
        "cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


async def test_a_webhook_gets_a_signed_cloud_event_the_same_one_each_time() -> None:
    secret = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
    async with http.running(Receiver()) as hook:
        sent = letter("webhook", {"url": hook.url("/in"), "secret": secret})
        for _ in range(2):
            assert (await webhook.send(OUT, sent)).kind == "accepted"
    first, again = hook.requests
    event = first.json
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", "gridwarden.case.dispatch", "20261120-000017")
    assert first.headers["content-type"].startswith("application/cloudevents+json")
    signed = f"{sent.id}.{first.headers['webhook-timestamp']}.".encode() + first.body
    wanted = base64.b64encode(hmac.digest(b"k" * 32, signed, "sha256")).decode()
    assert first.headers["webhook-signature"] == f"v1,{wanted}"
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])


async def test_an_e_mail_is_handed_over_and_carries_the_delivery_s_id(authority: Callable[[], ssl.SSLContext], tmp_path: Path) -> None:
    relay = smtp.Relay(login=("post", "geheim"))
    async with smtp.running(relay, tls=authority()):
        out = Outgoing(guard=OUT.guard, tls=trust(str(tmp_path / "tls" / "ca.crt")), secret=INSTALLATION)
        gateway = {"host": "localhost", "port": str(relay.port), "sender": "city@example.org", "user": "post", "password": "geheim"}
        sent = letter("email", {"email": "duty@example.org"}, gateway)
        outcome = await mail.send(out, sent)
        assert (outcome.kind, outcome.detail) == ("accepted", "queued as 4711")
        assert (await mail.send(OUT, sent)).kind == "later", "an authority we do not know"
        assert (await mail.send(out, letter("email", {"email": "duty@example.org"}, gateway | {"password": "x"}))).kind == "refused"
    (found,) = relay.mails
    assert found["Message-ID"] == f"<{sent.id}@gridwarden>"
    assert sent.link in found.get_payload(decode=True).decode()  # type: ignore[union-attr]


async def test_what_a_mail_relay_answers_is_understood() -> None:
    for codes, hang, kind in (({"RCPT": "550 no such user"}, None, "refused"), ({"RCPT": "451 later"}, None, "later"),
                              ({"DATA": "554 spam"}, None, "refused"), ({}, "DATA", "later"), ({}, "EHLO", "later")):  # fmt: skip
        relay = smtp.Relay(codes=codes, hang=hang)
        async with smtp.running(relay):
            gateway = {"host": "127.0.0.1", "port": str(relay.port), "sender": "city@example.org", "security": "none"}
            out = IMPATIENT if hang else OUT
            assert (await mail.send(out, letter("email", {"email": "duty@example.org"}, gateway))).kind == kind, (codes, hang)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=204), "accepted"), (Reply(status=503), "later"), (Reply(status=429, headers={"retry-after": "7"}), "limited"),
        (Reply(status=400), "refused"), (HANG, "later"), (Reply(endless=True), "accepted"),
    ],
)  # fmt: skip
async def test_what_a_webhook_answers_is_understood(reply: Reply, kind: str) -> None:
    async with http.running(Receiver(lambda _: reply)) as hook:
        outcome = await webhook.send(IMPATIENT if reply.hang else OUT, letter("webhook", {"url": hook.url()}))
        assert outcome.kind == kind
        assert outcome.retry_after_s == (7 if kind == "limited" else None)


async def test_a_redirect_inward_is_not_followed() -> None:
    async with http.running(Receiver()) as inside, http.running(Receiver()) as outside:
        outside.next(Reply(status=302, headers={"location": inside.url("/admin")}))
        outcome = await webhook.send(OUT, letter("webhook", {"url": outside.url()}))
        assert outcome.kind == "refused"
        assert "redirect" in outcome.detail
        assert inside.connections == 0


async def test_nothing_is_sent_to_an_address_inside_unless_the_installation_names_it() -> None:
    strict = Outgoing()
    async with http.running(Receiver()) as inside:
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1"):
            outcome = await webhook.send(strict, letter("webhook", {"url": f"http://{host}:{inside.port}/"}))
            assert outcome.kind == "refused", host
        assert inside.connections == 0


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1",
     "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_refused_whatever_else_it_has(address: str) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", address]

    outcome = await webhook.send(Outgoing(guard=Guard(resolve=resolve)), letter("webhook", {"url": "https://hooks.example.org/"}))
    assert (outcome.kind, outcome.detail) == ("refused", "the receiver's address lies inside a private network")


async def test_a_public_receiver_is_not_told_over_plain_http() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    outcome = await webhook.send(Outgoing(guard=Guard(resolve=resolve)), letter("webhook", {"url": "http://hooks.example.org/"}))
    assert (outcome.kind, outcome.detail) == ("refused", "the receiver is not reached over HTTPS")


async def test_a_name_that_changes_its_answer_gains_nothing() -> None:
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    out = Outgoing(guard=Guard(["127.0.0.2"], resolve=rebinding))
    async with http.running(Receiver(), host="127.0.0.2") as outside, http.running(Receiver(), port=outside.port) as inside:
        url = f"http://rebind.example:{outside.port}/"
        assert (await webhook.send(out, letter("webhook", {"url": url}))).kind == "accepted"
        assert asked == ["rebind.example"], "asked once: the connection goes to the very address that was looked at"
        assert (await webhook.send(out, letter("webhook", {"url": url}))).kind == "refused"
        assert (len(outside.requests), inside.connections) == (1, 0)


async def test_a_certificate_of_nobody_we_know_is_not_talked_to(authority: Callable[[], ssl.SSLContext], tmp_path: Path) -> None:
    async with http.running(Receiver(), tls=authority()) as hook:
        refused = await webhook.send(OUT, letter("webhook", {"url": hook.url()}))
        assert (refused.kind, hook.requests) == ("later", [])
        assert "certificate" in refused.detail
        known = Outgoing(guard=OUT.guard, tls=trust(str(tmp_path / "tls" / "ca.crt")))
        assert (await webhook.send(known, letter("webhook", {"url": hook.url()}))).kind == "accepted"
        other = letter("webhook", {"url": f"https://127.0.0.3:{hook.port}/"})
        assert (await webhook.send(known, other)).kind == "later", "the certificate is another's"


def test_a_letter_does_not_show_where_it_goes() -> None:
    sent = letter("sms", {"phone": "13800001234"}, {"secret": "geheim"})
    assert "1380000" not in repr(sent)
    assert "geheim" not in f"{sent}"


def test_every_template_is_said_in_both_languages_without_a_gap() -> None:
    for template in letters.TEMPLATES:
        for language in ("zh", "en"):
            for facts in (FACTS, FACTS | {"due_at": None, "grid": None}):
                title, text = letters.words(template, language, facts)
                assert title
                assert not any(gap in text for gap in ("None", "，，", "，。", ", .", "{", ", ,")), (template, text)


def test_what_leaves_is_json_of_ids_and_facts_only() -> None:
    event = orjson.loads(webhook.cloud_event(letter("webhook", {"url": "https://x"}), source="https://city.example.org"))
    assert set(event["data"]) == set(FACTS)


@pytest.fixture
def authority(tmp_path: Path) -> Callable[[], ssl.SSLContext]:
    def make() -> ssl.SSLContext:
        ensure_certificate(Settings(home=tmp_path))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "tls" / "server.crt", tmp_path / "tls" / "server.key")
        return context

    return make
