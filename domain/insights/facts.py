"""The vocabulary of figures: named facts, measures and anchors of a case, each with the SQL that tells it.

The same expressions pack the cases into blocks and select the rows behind a number, so the two cannot come apart. ``{0}`` is
the alias of ``cases``. New facts are added at the end: their order is that of the bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the vocabulary."""

    sql: str
    zh: str
    en: str


# The instant that decides in which period a case is counted. A missed deadline stays where it was missed.
ANCHORS: Final[Mapping[str, Word]] = {
    "received": Word("{0}.opened_at", "受理时间", "when it came in"),
    "due": Word("coalesce({0}.late_at, {0}.handle_due_at)", "处置期限", "when it had to be handled by"),
    "handled": Word("{0}.handled_at", "处置完成时间", "when it was handled"),
    "closed": Word("{0}.closed_at", "结束时间", "when it ended"),
}

FACTS: Final[Mapping[str, Word]] = {
    "report": Word("{0}.origin = 'report'", "来自上报", "came from a report"),
    "alert": Word("{0}.origin = 'alert'", "来自告警", "came from an alert"),
    "filed": Word("{0}.filed_at is not null", "已立案", "was filed"),
    "rejected": Word("{0}.state = 'rejected'", "不予受理", "was rejected"),
    "withdrawn": Word("{0}.state = 'withdrawn'", "已撤回", "was withdrawn"),
    "merged": Word("{0}.state = 'merged'", "已并案", "was merged into another"),
    "closed": Word("{0}.state = 'closed'", "已结案", "was closed"),
    "open": Word("{0}.closed_at is null", "未结束", "has not ended"),
    "checking": Word("{0}.state = 'checking'", "待核实", "waits for its first check"),
    "waiting": Word("{0}.state = 'filed'", "待派遣", "waits to be dispatched"),
    "suspended": Word("{0}.state = 'suspended'", "挂账中", "is suspended"),
    "handled": Word("{0}.handled_at is not null", "已处置", "was handled"),
    "verified": Word("{0}.verified_at is not null", "核查通过", "was verified"),
    "on_time": Word(
        "({0}.late_at is null and {0}.handled_at is not null and {0}.handled_at <= {0}.handle_due_at)", "按期处置", "was handled in time"
    ),
    "late": Word("{0}.late_at is not null", "曾超期", "has missed its deadline"),
    "returned": Word("{0}.bounces > 0", "被退回", "was returned since it was last filed"),
    "bounced": Word("{0}.bounces > 1", "多次退回", "was returned more than once since it was last filed"),
    "reworked": Word("{0}.reworks > 0", "曾返工", "had to be redone"),
    "reopened": Word("{0}.reopens > 0", "曾重开", "was reopened"),
    "extended": Word("{0}.extensions > 0", "曾延期", "was given more time"),
    "escalated": Word("{0}.level > 0", "已升级", "has risen to a higher level"),
    "supervised": Word("{0}.supervised_at is not null", "被督办", "was put under supervision"),
    "joint": Word("{0}.party_ids <> '{{}}'", "联合处置", "was a joint action"),
    "rated": Word("{0}.satisfaction is not null", "已评价", "was rated"),
    "satisfied": Word("{0}.satisfaction = 'satisfied'", "满意", "was rated satisfied"),
    "fair": Word("{0}.satisfaction = 'fair'", "基本满意", "was rated fair"),
    "dissatisfied": Word("{0}.satisfaction = 'dissatisfied'", "不满意", "was rated dissatisfied"),
    "wants_rating": Word("{0}.wants_rating", "须评价", "is to be rated by the public"),
    "replied": Word("{0}.first_reply_at is not null", "已人工回应", "was answered by a person"),
}

# In whole seconds; empty where there is nothing to measure.
MEASURES: Final[Mapping[str, Word]] = {
    "first_reply": Word("{0}.first_reply_at - {0}.opened_at", "首次人工回应用时", "time to the first answer by a person"),
    "auto_reply": Word(
        "(select min(m.at) from case_messages m where m.case_id = {0}.id and m.kind = 'auto_reply') - {0}.opened_at",
        "首次自动回应用时",
        "time to the automatic first answer",
    ),
    "handling": Word("{0}.handled_at - {0}.filed_at", "处置用时", "time from filing to handled"),
}

SOURCES: Final = ("citizen", "hotline", "staff", "police110", "qr", "alert")
SOURCE: Final = (
    "case when {0}.origin = 'alert' then 'alert' else coalesce((select r.source from reports r where r.case_id = {0}.id"
    " order by r.received_at, r.id limit 1), 'staff') end"
)
UNIT_KEY: Final = "concat_ws('/', coalesce({0}.department_id::text, ''), coalesce({0}.about_department_id::text, ''), {0}.party_ids::text)"
KIND_KEY: Final = f"concat_ws('/', coalesce({{0}}.matter_id::text, ''), {SOURCE})"

MASK: Final = " | ".join(f"(coalesce({word.sql}, false)::int << {bit})" for bit, word in enumerate(FACTS.values()))
BIT: Final = {name: 1 << bit for bit, name in enumerate(FACTS)}
MISSING: Final = -1
LONGEST_S: Final = 2_000_000_000


def seconds(measure: str) -> str:
    """Give the SQL of a measure in whole seconds, NULL where it is missing; never below 0."""
    taken = f"extract(epoch from {MEASURES[measure].sql})"
    bounded = f"case when s.s < 0 then 0 when s.s > {LONGEST_S} then {LONGEST_S} else floor(s.s) end"
    return f"(select {bounded}::int from (select {taken} as s) s)"


def layout(zone: str) -> str:
    """Name what blocks are made with: the vocabulary and the zone that makes the days."""
    told = "\n".join([zone, MASK, SOURCE, *(word.sql for word in ANCHORS.values()), *map(seconds, MEASURES)])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
