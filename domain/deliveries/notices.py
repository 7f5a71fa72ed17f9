"""The table of notices: which event tells whom, by which channels, and how long one waits before somebody else is told.

A ladder has three kinds of rung: another channel of the same owner, another person of the same department, the next level
(the department above). It ends when a message of it has been read, or when the case has moved on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

DEPARTMENT: Final = "department"  # whoever has the case after the event
ABOVE: Final = "above"  # the department so many levels above it as the case has risen
GRID: Final = "grid"  # the workers of its grid, while no department has it
REPORTER: Final = "reporter"  # whoever reported it, where they left a number

URGENT: Final = ("wecom", "dingtalk", "webpush", "sms", "email")
CALM: Final = ("wecom", "dingtalk", "webpush", "email")
TEXT: Final = ("sms",)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a message may stay unread before the next channel, the next person, the next level is told."""

    channel: timedelta
    person: timedelta
    level: timedelta

    def seconds(self) -> list[int]:
        """Give the three in seconds, as they are stored."""
        return [round(wait.total_seconds()) for wait in (self.channel, self.person, self.level)]


def _patience(channel_min: int, person_min: int, level_min: int) -> Patience:
    return Patience(*(timedelta(minutes=minutes) for minutes in (channel_min, person_min, level_min)))


AT_ONCE: Final = _patience(2, 5, 10)
SOON: Final = _patience(10, 20, 30)
TODAY: Final = _patience(30, 60, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: an event tells an audience; without ``patience`` nobody else is told when it stays unread.

    ``ground``: while no department has the case, the one that answers for the ground is told.
    """

    event: str
    audience: str
    template: str
    channels: tuple[str, ...]
    patience: Patience | None
    ground: bool = False


def _rule(
    event: str, audience: str, template: str, channels: tuple[str, ...], patience: Patience | None, *, ground: bool = False
) -> Rule:
    return Rule(event=event, audience=audience, template=template, channels=channels, patience=patience, ground=ground)


RULES: Final = (
    _rule("case.opened", DEPARTMENT, "assigned", URGENT, SOON),
    _rule("case.opened", GRID, "check", URGENT, SOON),
    _rule("case.dispatch", DEPARTMENT, "assigned", URGENT, SOON),
    _rule("case.transfer", DEPARTMENT, "assigned", URGENT, SOON),
    _rule("case.pass_on", DEPARTMENT, "assigned", URGENT, AT_ONCE),
    _rule("case.whistle", DEPARTMENT, "whistle", URGENT, SOON),
    _rule("case.rework", DEPARTMENT, "rework", URGENT, SOON),
    _rule("case.supervise", DEPARTMENT, "supervised", URGENT, AT_ONCE),
    _rule("case.warning", DEPARTMENT, "warning", URGENT, SOON, ground=True),
    _rule("case.warning", GRID, "warning", URGENT, SOON),
    _rule("case.overdue", DEPARTMENT, "overdue", URGENT, AT_ONCE, ground=True),
    _rule("case.escalated", ABOVE, "escalated", URGENT, SOON, ground=True),
    _rule("case.escalated", DEPARTMENT, "escalated", URGENT, None),
    _rule("case.extend", DEPARTMENT, "extended", CALM, None),
    _rule("case.suspend", DEPARTMENT, "suspended", CALM, None),
    _rule("case.refuse_request", DEPARTMENT, "refused", CALM, TODAY),
    _rule("case.resume", DEPARTMENT, "resumed", CALM, TODAY),
    _rule("case.answered", DEPARTMENT, "answered", CALM, TODAY),
    _rule("case.opened", REPORTER, "reporter.received", TEXT, None),
    _rule("case.joined", REPORTER, "reporter.received", TEXT, None),
    _rule("case.asked", REPORTER, "reporter.asked", TEXT, None),
    _rule("case.replied", REPORTER, "reporter.replied", TEXT, None),
    _rule("case.verify", REPORTER, "reporter.done", TEXT, None),
    _rule("case.reject", REPORTER, "reporter.rejected", TEXT, None),
)
BY_EVENT: Final[Mapping[str, tuple[Rule, ...]]] = {
    event: tuple(rule for rule in RULES if rule.event == event) for event in {rule.event for rule in RULES}
}

# These tell only the reporters whom the message of that instant was written to: a question, a reply, the first greeting.
WRITTEN_TO: Final = frozenset({"case.joined", "case.asked", "case.replied"})
# The unit has taken it in hand: what it was told counts as read.
ANSWERS: Final = frozenset(
    f"case.{verb}" for verb in ("accept", "start", "finish", "explain", "ask_extension", "ask_suspension")
)
# So has a unit that was called to joint action.
REPORTS_IN: Final = frozenset({"case.report_in", "case.part_done"})
# The case has gone elsewhere or ended: what was said about it no longer holds, so nobody further is told.
ENDS: Final = frozenset(
    f"case.{verb}"
    for verb in (
        "transfer", "recall", "pass_on", "return", "suspend", "verify", "close", "reject", "refute", "withdraw", "merge", "dispatch",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Somebody is to be told something: a department (a named person of it first), or the reporter of a report.

    ``facts`` are what the template says and must hold neither contact data nor anything of the reporter.
    ``above`` begins so many levels above the department. ``except_department_id`` is told on no rung.
    """

    event_kind: str
    template: str
    channels: tuple[str, ...]
    facts: Mapping[str, Any]
    patience: Patience | None = None
    case_id: UUID | None = None
    event_id: UUID | None = None
    department_id: UUID | None = None
    user_id: UUID | None = None
    report_id: UUID | None = None
    above: int = 0
    except_department_id: UUID | None = None

