"""The table of channels: what an address of each kind looks like, what of it may be shown, and how long a message may be.

An address is a small JSON object: the fields of its row here. It exists in clear only on its way in and at the moment of
sending.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from domain.errors import Invalid

MAX_FIELD: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One row: ``fields`` must be given, ``optional`` may be.

    ``at_once`` messages may be under way to one address; where ``combines`` holds they are said in one, for group robots
    take twenty a minute and a flood brings more.
    """

    kind: str
    zh: str
    en: str
    fields: tuple[str, ...]
    optional: tuple[str, ...] = ()
    at_once: int = 4
    combines: bool = False


CHANNELS: Final = (
    Channel(kind="wecom", zh="企业微信群机器人", en="WeCom robot", fields=("url",), at_once=10, combines=True),
    Channel(kind="dingtalk", zh="钉钉群机器人", en="DingTalk robot", fields=("url",), optional=("secret",), at_once=10, combines=True),
    Channel(kind="sms", zh="短信", en="Text message", fields=("phone",)),
    Channel(kind="email", zh="电子邮件", en="E-mail", fields=("email",)),
    Channel(kind="webpush", zh="浏览器推送", en="Web push", fields=("url", "p256dh", "auth")),
    Channel(kind="webhook", zh="网络回调", en="Webhook", fields=("url",), optional=("secret",)),
)
BY_KIND: Final = {channel.kind: channel for channel in CHANNELS}
KINDS: Final = tuple(BY_KIND)
# What text messages and e-mail go through: fields and optional fields.
GATEWAY_FIELDS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "sms": (("url", "account", "secret"), ("signature",)),
    "email": (("host", "port", "sender"), ("user", "password", "security")),
}
GATEWAYS: Final = tuple(GATEWAY_FIELDS)

_PHONE = re.compile(r"\+?[0-9]{5,20}")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}")
_SECRET_64 = re.compile(r"(whsec_)?[A-Za-z0-9+/=_-]{8,200}")


def check_address(kind: str, given: Mapping[str, str]) -> dict[str, str]:
    """Give an address with exactly the fields of its kind; raises Invalid naming the field that is wrong."""
    channel = BY_KIND.get(kind)
    if channel is None:
        raise Invalid(f"unknown kind {kind[:20]!r}; known: {', '.join(KINDS)}", "未知的渠道类型", field="kind")
    address = _fields(given, channel.fields, channel.optional)
    if "url" in address:
        _check_url(address["url"])
    if "phone" in address and not _PHONE.fullmatch(address["phone"]):
        raise Invalid("a phone number is 5 to 20 digits, with a + before them if international", "手机号码格式不正确", field="phone")
    if "email" in address and not _EMAIL.fullmatch(address["email"]):
        raise Invalid("this is no e-mail address", "电子邮箱格式不正确", field="email")
    if "secret" in address and not _SECRET_64.fullmatch(address["secret"]):
        raise Invalid("a secret is 8 to 200 letters, digits and + / = _ -", "密钥格式不正确", field="secret")
    return address


def check_gateway(kind: str, given: Mapping[str, str]) -> dict[str, str]:
    """Give a gateway's settings with exactly its fields; raises Invalid naming the field that is wrong."""
    if kind not in GATEWAY_FIELDS:
        raise Invalid(f"a gateway is one of {', '.join(GATEWAYS)}", "网关类型只有短信与邮件", field="kind")
    settings = _fields(given, *GATEWAY_FIELDS[kind])
    if "url" in settings:
        _check_url(settings["url"])
    if "port" in settings and not (settings["port"].isascii() and settings["port"].isdigit() and 0 < int(settings["port"]) < 65536):
        raise Invalid("a port is 1 to 65535", "端口须为 1 至 65535", field="port")
    if "sender" in settings and not _EMAIL.fullmatch(settings["sender"]):
        raise Invalid("the sender is an e-mail address", "发件人须为电子邮箱", field="sender")
    if settings.get("security", "starttls") not in ("starttls", "tls", "none"):
        raise Invalid("security is starttls, tls or none", "加密方式为 starttls、tls 或 none", field="security")
    return settings


def hint_of(address: Mapping[str, str]) -> str:
    """Give what may be shown of an address: a host, the last digits, the domain of a mailbox."""
    if "phone" in address:
        return f"…{address['phone'][-4:]}"
    if "email" in address:
        name, _, domain = address["email"].partition("@")
        return f"{name[0]}…@{domain}"
    if "url" in address:
        return urlsplit(address["url"]).hostname or ""
    return f"{address.get('host', '')}:{address.get('port', '')}"


def _fields(given: Mapping[str, str], needed: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, str]:
    kept = {name: str(given[name]).strip() for name in (*needed, *optional) if given.get(name) and str(given[name]).strip()}
    if missing := [name for name in needed if name not in kept]:
        raise Invalid(f"{missing[0]} is needed", f"缺少 {missing[0]}", field=missing[0])
    for name, value in kept.items():
        if len(value) > MAX_FIELD or any(ord(sign) < 32 for sign in value):
            raise Invalid(f"{name} is too long or holds a control character", f"{name} 过长或含控制字符", field=name)
    return kept


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise Invalid("an address begins with https:// and names a host, without a user", "地址须以 https:// 开头", field="url")
