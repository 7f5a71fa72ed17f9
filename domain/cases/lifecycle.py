"""The life-cycle of a case, as a table: which verb leads from where to where, who may use it, what it does to the clock.

The diagram in docs/lifecycle.md is written from this table. Rules that need more than a row are named in ``guards`` and
stand in ``rules.py``; nothing else in the product moves a case. Supervision (files, verifies, closes) and command
(dispatches) are separate permissions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

STATE_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "checking": ("待核实", "Waiting for a first check"),
    "filed": ("待派遣", "Filed, waiting to be dispatched"),
    "dispatched": ("待受理", "Dispatched, waiting to be accepted"),
    "accepted": ("已受理", "Accepted"),
    "handling": ("处置中", "Being handled"),
    "handled": ("待核查", "Handled, waiting to be verified"),
    "verified": ("待评价", "Verified, waiting to be rated"),
    "rated": ("已评价", "Rated"),
    "suspended": ("挂账", "Suspended"),
    "closed": ("已结案", "Closed"),
    "rejected": ("不予受理", "Rejected"),
    "withdrawn": ("已撤回", "Withdrawn"),
    "merged": ("已并案", "Merged"),
}
STATES: Final = tuple(STATE_NAMES)
ENDED_STATES: Final = ("closed", "rejected", "withdrawn", "merged")
OPEN_STATES: Final = tuple(state for state in STATES if state not in ENDED_STATES)
WITH_UNIT: Final = ("dispatched", "accepted", "handling")
PHASES: Final = ("check", "handle", "verify")

# Who may use a row besides holders of its permission.
REPORTER: Final = "reporter"
SYSTEM: Final = "system"

SAME: Final = "="  # the state stays
BACK: Final = "<"  # back to the state before the suspension or the merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row: ``verb`` leads from any of ``before`` to ``after`` for whoever holds ``permission``.

    ``permission`` is a word of the roles table, ``reporter`` or ``system``; ``also`` names further ones. ``clock`` lists
    what the step writes into the ledger: start, pause, resume, stop or extend with a phase. ``needs`` lists the inputs
    that must be given; ``guards`` the rules of ``rules.py`` that must hold.
    """

    verb: str
    zh: str
    en: str
    before: tuple[str, ...]
    after: str
    permission: str
    also: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    clock: tuple[str, ...] = ()
    ends: bool = False

    def after_from(self, state: str, back_to: str | None) -> str:
        """Give the state this row leads to."""
        if self.after == SAME:
            return state
        return (back_to or state) if self.after == BACK else self.after


def _row(verb: str, zh: str, en: str, before: tuple[str, ...], after: str, permission: str, **more: object) -> Transition:
    return Transition(verb=verb, zh=zh, en=en, before=before, after=after, permission=permission, **more)  # type: ignore[arg-type]


TRANSITIONS: Final = (
    # Supervision takes in.
    _row("confirm", "核实属实", "Confirm on the spot", ("checking",), "filed", "case.check", clock=("stop check", "start handle")),
    _row("refute", "核实不实", "Found untrue on the spot", ("checking",), "rejected", "case.check", needs=("reason",), clock=("stop check",), ends=True),
    _row("file", "立案", "File", ("checking",), "filed", "case.file", clock=("stop check", "start handle")),
    _row("reject", "不予受理", "Reject", ("checking", "filed"), "rejected", "case.file", needs=("reason",), clock=("stop",), ends=True),
    _row("classify", "定性", "Name the matter", ("checking", "filed"), SAME, "case.file", also=("case.check",), needs=("matter",), clock=("restart handle",)),
    # Command sends.
    _row("dispatch", "派遣", "Dispatch", ("filed",), "dispatched", "case.dispatch", also=(SYSTEM,), needs=("department",), guards=("not_about",)),
    _row("transfer", "转办", "Transfer", WITH_UNIT, "dispatched", "case.dispatch", needs=("department", "reason"), guards=("not_about", "another"), clock=("lapse",)),
    _row("recall", "收回", "Take back", WITH_UNIT, "filed", "case.dispatch", also=(SYSTEM,), needs=("reason",), clock=("lapse",)),
    _row("pass_on", "自动改派", "Passed on by the accept timer", ("dispatched",), "dispatched", SYSTEM, needs=("department", "reason"), guards=("not_about", "another")),
    _row("whistle", "吹哨", "Call joint action", WITH_UNIT, SAME, "case.dispatch", also=("case.supervise",), needs=("parts",), guards=("parts_free",)),
    # The unit acts.
    _row("accept", "受理", "Accept", ("dispatched",), "accepted", "case.handle", guards=("has_it",)),
    _row("start", "开始处置", "Start", ("dispatched", "accepted"), "handling", "case.handle", guards=("has_it",)),
    _row("return", "退回", "Return", ("dispatched", "accepted"), "filed", "case.handle", needs=("reason",), guards=("has_it", "may_bounce"), clock=("lapse",)),
    _row("finish", "办结", "Finish", ("accepted", "handling"), "handled", "case.handle", guards=("has_it", "parts_done"), clock=("stop handle", "start verify", "lapse")),
    _row("report_in", "报到", "Report in", WITH_UNIT, SAME, "case.handle", guards=("has_part",)),
    _row("part_done", "协办完成", "Part done", WITH_UNIT, SAME, "case.handle", needs=("reason",), guards=("has_part",)),
    _row("ask_extension", "申请延期", "Ask for an extension", WITH_UNIT, SAME, "case.handle", needs=("amount", "reason"), guards=("has_it", "none_pending")),
    _row("ask_suspension", "申请挂账", "Ask for a suspension", WITH_UNIT, SAME, "case.handle", needs=("reason",), guards=("has_it", "none_pending")),
    _row("explain", "书面说明", "Explain in writing", OPEN_STATES, SAME, "case.handle", needs=("reason",), guards=("owes_explanation",)),
    # Supervision decides.
    _row("extend", "同意延期", "Grant the extension", WITH_UNIT, SAME, "case.approve", guards=("extension_pending", "not_asker"), clock=("extend handle",)),
    _row("suspend", "挂账", "Suspend", WITH_UNIT, "suspended", "case.approve", needs=("reason",), guards=("not_asker",), clock=("pause handle",)),
    _row("refuse_request", "不同意申请", "Refuse the request", WITH_UNIT, SAME, "case.approve", needs=("reason",), guards=("any_pending", "not_asker")),
    _row("resume", "销账恢复", "Resume", ("suspended",), BACK, "case.approve", clock=("resume handle",)),
    _row("supervise", "督办", "Supervise", OPEN_STATES, SAME, "case.supervise", needs=("reason",)),
    _row("verify", "核查通过", "Verify", ("handled",), "verified", "case.verify", guards=("not_own_work",), clock=("stop verify",)),
    _row("rework", "返工", "Send back to be redone", ("handled", "verified", "rated"), "handling", "case.verify", needs=("reason",), guards=("not_own_work",), clock=("stop verify", "resume handle")),
    _row("close", "结案", "Close", ("verified", "rated"), "closed", "case.verify", also=(SYSTEM,), guards=("not_own_work", "content_or_reason"), ends=True),
    _row("reopen", "重开", "Reopen", ("closed", "rejected", "withdrawn"), "filed", "case.file", also=(REPORTER,), needs=("reason",), guards=("reopen_window",), clock=("start handle",)),
    # The reporter.
    _row("rate", "评价", "Rate", ("verified",), "rated", REPORTER, needs=("satisfaction",)),
    _row("withdraw", "撤回", "Withdraw", ("checking", "filed", "dispatched", "accepted"), "withdrawn", REPORTER, also=("case.file",), needs=("reason",), clock=("stop", "lapse"), ends=True),
    # One thing reported twice, two things reported as one.
    _row("merge", "并案", "Merge into another case", ("checking", "filed", "dispatched", "accepted", "handling"), "merged", "case.merge", needs=("target",), guards=("target_open",), clock=("pause", "lapse"), ends=True),
    _row("unmerge", "撤销并案", "Undo the merge", ("merged",), BACK, "case.merge", clock=("resume",)),
    _row("split", "拆案", "Split reports off", ("checking", "filed", "dispatched", "accepted", "handling"), SAME, "case.merge", needs=("reports",)),
)  # fmt: skip

BY_VERB: Final = {transition.verb: transition for transition in TRANSITIONS}
VERBS: Final = tuple(BY_VERB)


def verbs_from(state: str) -> tuple[Transition, ...]:
    """List the rows that lead out of a state, in table order."""
    return tuple(transition for transition in TRANSITIONS if state in transition.before)
