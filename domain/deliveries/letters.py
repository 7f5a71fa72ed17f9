"""What a message says: a table of templates in Chinese and English, filled with the facts kept in the delivery.

Numbers, matters, grids and deadlines only: the text leaves the house, and whoever was complained about may read along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Shanghai")

# template -> (zh title, zh text, en title, en text); {due} begins with its own separator, for not every case has a deadline.
TEMPLATES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "assigned": ("新案件待受理", "{number} {title}，{grid}{due}。请及时受理。", "New case to accept", "{number} {title}, {grid}{due}."),
    "check": ("待核实上报", "{number} {title}，{grid}{due}。请到现场核实。", "To check on the spot", "{number} {title}, {grid}{due}."),
    "whistle": ("吹哨报到", "{number} {title}，{grid}{due}。请到场协同处置。", "Called to joint action", "{number} {title}, {grid}{due}."),
    "rework": ("案件返工", "{number} {title}，{grid}{due}。核查未通过，请重新处置。", "To be redone", "{number} {title}, {grid}{due}."),
    "supervised": ("督办", "{number} {title}，{grid}{due}。已列入督办。", "Under supervision", "{number} {title}, {grid}{due}."),
    "warning": ("即将超期", "{number} {title}，{grid}{due}。请抓紧办理。", "Soon overdue", "{number} {title}, {grid}{due}."),
    "overdue": ("已超期", "{number} {title}，{grid}{due}。已超过办理时限。", "Overdue", "{number} {title}, {grid}{due}."),
    "escalated": ("超期升级", "{number} {title}，{grid}{due}。已升级，须书面说明。", "Escalated", "{number} {title}, {grid}{due}."),
    "extended": ("延期已批准", "{number} {title}，{grid}{due}。", "Extension granted", "{number} {title}, {grid}{due}."),
    "suspended": ("已挂账", "{number} {title}，{grid}。", "Suspended", "{number} {title}, {grid}."),
    "refused": ("申请未获批准", "{number} {title}，{grid}{due}。", "Request refused", "{number} {title}, {grid}{due}."),
    "resumed": ("恢复办理", "{number} {title}，{grid}{due}。", "Resumed", "{number} {title}, {grid}{due}."),
    "answered": ("上报人已答复", "{number} {title}，{grid}{due}。", "The reporter has answered", "{number} {title}, {grid}{due}."),
    "test": ("测试消息", "这是一条测试消息，收到即表示该通知地址可用。", "Test message", "If you read this, the address works."),
    "event": ("案件动态", "{number} {title}", "Case event", "{number} {title}"),
    "reporter.received": ("已收到您的反映", "您反映的{title}（{number}）已收到，可凭查询码查看进展。",
                          "We have your report", "{title} ({number}): look it up by its code."),
    "reporter.asked": ("需要您补充信息", "关于您反映的{title}（{number}）有一个问题，请凭查询码查看并答复。",
                       "A question to you", "{title} ({number}): look it up by its code and answer."),
    "reporter.replied": ("有新的答复", "您反映的{title}（{number}）有新的答复，请凭查询码查看。",
                         "There is a reply", "{title} ({number}): look it up by its code."),
    "reporter.done": ("办理结果", "您反映的{title}（{number}）已办理，请凭查询码查看并评价。",
                      "Your report has been dealt with", "{title} ({number}): look it up by its code and rate the result."),
    "reporter.rejected": ("受理结果", "您反映的{title}（{number}）不予受理，请凭查询码查看原因。",
                          "Your report was not accepted", "{title} ({number}): look it up by its code for the reason."),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message ready to be sent: to an address in clear, which is nowhere else than here and never logged."""

    id: UUID
    channel: str
    address: Mapping[str, str]
    gateway: Mapping[str, str]
    title: str
    text: str
    link: str | None
    event_kind: str
    event_id: UUID | None
    facts: Mapping[str, Any]
    created_at: datetime
    sent_at: datetime
    others: tuple[Letter, ...] = ()  # said in the same message, where the channel combines

    def __repr__(self) -> str:
        """Say which letter it is and nothing of where it goes."""
        return f"Letter({self.id}, {self.channel})"


def words(template: str, language: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Give title and text of a template in a language; facts that are missing are left out.

    A template this version does not know is said as an event of the case.
    """
    row = TEMPLATES.get(template, TEMPLATES["event"])
    title, text = row[2:] if language == "en" else row[:2]
    values = {name: str(facts.get(name) or "") for name in ("number", "title", "grid")}
    due = _due(facts.get("due_at"), language)
    return title, text.format(**values, due=due).replace("，，", "，").replace(", ,", ",").replace("，。", "。").replace(", .", ".")


def link_to(public_url: str, case_id: UUID | None, delivery_id: UUID, template: str) -> str | None:
    """Give the address of the case's page; opening it from there marks the message as read. None for what has no page.

    Who is to check a report on the spot is led to the page of field work, everybody else to the desk.
    """
    if case_id is None or template.startswith("reporter."):
        return None
    if template == "check":
        return f"{public_url.rstrip('/')}/field/{case_id}?d={delivery_id}"
    return f"{public_url.rstrip('/')}/?case={case_id}&d={delivery_id}"


def _due(value: object, language: str) -> str:
    if not isinstance(value, str):
        return ""
    try:
        at = datetime.fromisoformat(value).astimezone(ZONE)
    except ValueError:
        return ""
    return f", due {at:%Y-%m-%d %H:%M}" if language == "en" else f"，时限 {at:%m月%d日 %H:%M}"
