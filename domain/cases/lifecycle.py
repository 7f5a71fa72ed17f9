"""The life-cycle of a case, as a table: which verb leads from where to where, who may use it, and what it announces.

                dispatch           accept            finish           close
    filed ───────────────▶ dispatched ─────▶ accepted ──────▶ handled ──────▶ closed
      ▲                      │                  │                │              │
      └──────── return ◀─────┴──────────────────┘   rework ──▶ accepted         └─ reopen ──▶ filed

A case nobody owns waits in ``filed``. Later work adds rows here (verification, suspension, joint action), not another machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STATES: Final = ("filed", "dispatched", "accepted", "handled", "closed", "rejected")
OPEN_STATES: Final = ("filed", "dispatched", "accepted", "handled")


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: ``verb`` leads from any of ``before`` to ``after`` for whoever holds ``permission``."""

    verb: str
    name_zh: str
    name_en: str
    before: tuple[str, ...]
    after: str
    permission: str
    needs_department: bool = False
    needs_reason: bool = False
    ends: bool = False


TRANSITIONS: Final = (
    Transition("dispatch", "派遣", "Dispatch", ("filed",), "dispatched", "case.dispatch", needs_department=True),
    Transition("transfer", "转办", "Transfer", ("dispatched", "accepted"), "dispatched", "case.dispatch", needs_department=True, needs_reason=True),
    Transition("accept", "受理", "Accept", ("dispatched",), "accepted", "case.handle"),
    Transition("return", "退回", "Return", ("dispatched", "accepted"), "filed", "case.handle", needs_reason=True),
    Transition("finish", "办结", "Finish", ("accepted",), "handled", "case.handle"),
    Transition("rework", "返工", "Rework", ("handled",), "accepted", "case.close", needs_reason=True),
    Transition("close", "结案", "Close", ("handled",), "closed", "case.close", ends=True),
    Transition("reject", "不予受理", "Reject", ("filed",), "rejected", "case.dispatch", needs_reason=True, ends=True),
    Transition("reopen", "重开", "Reopen", ("closed", "rejected"), "filed", "case.dispatch", needs_reason=True),
)

BY_VERB: Final = {transition.verb: transition for transition in TRANSITIONS}
VERBS: Final = tuple(BY_VERB)


def verbs_from(state: str) -> tuple[Transition, ...]:
    """List the rows that lead out of a state, in table order."""
    return tuple(transition for transition in TRANSITIONS if state in transition.before)
