"""The group robots of 企业微信 and 钉钉, the text-message gateway: what they check, and the codes they answer with."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from tests.simulators.http import Receiver, Reply, Request, said

KEY = "693a91f6-7000-4bc4-97a0-0ec2sifa5aaa"
TOKEN = "566cc69da782ec"
DING_SECRET = "SECab12cd34"
SMS_ACCOUNT = {"account": "N1234567", "secret": "sms-password"}


def wecom(*, per_minute: int = 20) -> Receiver:
    """A group robot of 企业微信: the key must be right, the message at most 4096 bytes, so many a minute."""

    def answer(request: Request) -> Reply:
        if parse_qs(urlsplit(request.target).query).get("key") != [KEY]:
            return said(errcode=93000, errmsg="invalid webhook url")
        given = request.json
        if given["msgtype"] != "markdown" or len(given["markdown"]["content"].encode()) > 4096:
            return said(errcode=40058, errmsg="content exceed max length")
        if len(receiver.requests) > per_minute:
            return said(errcode=45009, errmsg="api freq out of limit")
        return said(errcode=0, errmsg="ok")

    receiver = Receiver(answer)
    return receiver


def dingtalk(*, per_minute: int = 20, now: Callable[[], float] = time.time) -> Receiver:
    """A group robot of 钉钉 that wants signatures not older than an hour."""

    def answer(request: Request) -> Reply:
        query = parse_qs(urlsplit(request.target).query)
        if query.get("access_token") != [TOKEN]:
            return said(errcode=300001, errmsg="token is not exist")
        timestamp = query.get("timestamp", ["0"])[0]
        wanted = base64.b64encode(hmac.digest(DING_SECRET.encode(), f"{timestamp}\n{DING_SECRET}".encode(), "sha256")).decode()
        if query.get("sign") != [wanted] or abs(now() - int(timestamp) / 1000) > 3600:
            return said(errcode=310000, errmsg="sign not match")
        if not {"title", "text"} <= request.json["markdown"].keys():
            return said(errcode=400105, errmsg="unsupported msgtype")
        if len(receiver.requests) > per_minute:
            return said(errcode=130101, errmsg="send too fast, exceed 20 times per minute")
        return said(errcode=0, errmsg="ok")

    receiver = Receiver(answer)
    return receiver


def sms() -> Receiver:
    """A text-message gateway: account and password, one phone, a signature in front, the same uid sent once only."""
    sent: dict[str, str] = {}

    def answer(request: Request) -> Reply:
        given = request.json
        if (given["account"], given["password"]) != (SMS_ACCOUNT["account"], SMS_ACCOUNT["secret"]):
            return said(code="102", errorMsg="密码错误")
        if not given["phone"].lstrip("+").isdigit():
            return said(code="107", errorMsg="包含错误的手机号码")
        if not given["msg"].startswith("【"):
            return said(code="128", errorMsg="内容无签名")
        known = sent.setdefault(given["uid"], f"17041010383624{len(sent):03}")
        return said(code="0", msgId=known, errorMsg="")

    return Receiver(answer)
