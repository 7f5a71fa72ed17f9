"""Receipts: why a thing was assigned as it was, in words a person can read in two languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.base import Conn, new_id
from domain.routing.choose import Choice
from geo.lonlat import LonLat

_INSERT = """
insert into receipts (id, subject_kind, subject_id, at, position, accuracy_m, rule_code, rule_version, matter_id,
                      department_id, capacity, duty_id, home_version_id, owners, candidates, why)
values (%s, %s, %s, %s, st_point(%s, %s, 4326), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_CAPACITY: Final = {"owner": ("属主", "the owner"), "territory": ("属地", "the territory")}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReceipt:
    """A receipt about to be written; owners and candidates are plain JSON values."""

    subject_kind: str
    subject_id: UUID
    lonlat: LonLat
    accuracy_m: float | None
    matter_id: UUID | None
    choice: Choice
    home_version_id: UUID | None
    owners: Sequence[Mapping[str, Any]]
    candidates: Sequence[Mapping[str, Any]]
    why: Sequence[Mapping[str, Any]]
    id: UUID = field(default_factory=new_id)


def row(receipt: NewReceipt, *, at: datetime) -> tuple[object, ...]:
    """Give the values of the insert statement."""
    choice = receipt.choice
    return (
        receipt.id, receipt.subject_kind, receipt.subject_id, at, receipt.lonlat.lon, receipt.lonlat.lat, receipt.accuracy_m,
        choice.rule.code, choice.rule.version, receipt.matter_id, choice.department.id if choice.department else None,
        choice.capacity, choice.duty.id if choice.duty else None, receipt.home_version_id,
        Jsonb(receipt.owners), Jsonb(receipt.candidates), Jsonb(receipt.why),
    )  # fmt: skip


async def write(conn: Conn, receipts: Sequence[NewReceipt], *, at: datetime) -> None:
    """Write receipts in the caller's transaction."""
    async with conn.cursor() as cursor:
        await cursor.executemany(_INSERT, [row(receipt, at=at) for receipt in receipts])


def explain(reason: Mapping[str, Any]) -> tuple[str, str]:
    """Put one reason of a receipt into words, Chinese first; an unknown code is shown as it is."""
    words = _WORDS.get(str(reason.get("code")))
    return words(reason) if words else (str(reason.get("code")), str(reason.get("code")))


def _rule(reason: Mapping[str, Any]) -> tuple[str, str]:
    zh, en = _CAPACITY[reason["first"]]
    return f"按规则 {reason['rule']} 第 {reason['version']} 版，先问{zh}", f"rule {reason['rule']} v{reason['version']} asks {en} first"


def _border(reason: Mapping[str, Any]) -> tuple[str, str]:
    distance, share = reason["distance_m"], reason["share"] * 100
    return (
        f"距相邻网格仅 {distance:.0f} 米，定位圆有 {share:.0f}% 落在本网格内",
        f"{distance:.0f} m from the next grid; {share:.0f} % of the accuracy disc lies in this one",
    )


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]]] = {
    "inside": lambda r: (f"位置在{r['layer_zh']}「{r['name']}」内", f"the position lies in {r['name']} ({r['layer_en']})"),
    "unowned": lambda r: (f"没有任何{r['layer_zh']}包含此位置", f"no area of {r['layer_en']} contains the position"),
    "near_border": _border,
    "datum": lambda r: (f"坐标由 {r['datum']} 换算为 WGS 84", f"the position was given in {r['datum']} and converted to WGS 84"),
    "rule": _rule,
    "matter_unknown": lambda _: ("事项未定，按事件处理", "the matter is not known yet: treated as an event"),
    "duty_owner": lambda r: (f"「{r['department']}」是属主部门", f"{r['department']} owns this kind of matter here"),
    "duty_territory": lambda r: (f"「{r['department']}」是属地单位", f"{r['department']} answers for this ground"),
    "nobody_owner": lambda _: ("此处没有属主部门", "nobody owns this kind of matter here"),
    "nobody_territory": lambda _: ("此处没有属地单位", "nobody answers for this ground"),
    "unassigned": lambda _: ("无人负责，进入待派遣队列", "nobody is responsible: it waits in the queue for a dispatcher"),
}
