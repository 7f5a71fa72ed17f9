"""The life-cycle as people read it: docs/lifecycle.md, written from the table so that it cannot differ from it."""

from __future__ import annotations

from domain.cases import rules
from domain.cases.lifecycle import BACK, REPORTER, SAME, STATE_NAMES, SYSTEM, TRANSITIONS, Transition
from domain.people.roles import ROLES

_HEAD = """# The life-cycle of a case

Written from `domain/cases/lifecycle.py` by `./gridwarden schema`; a test compares them. What is allowed at all stands in the
table; the guards named there are functions of `domain/cases/rules.py`. The system takes some steps at once: what is filed goes
to the department that routing found, what is verified is closed where nobody of the public is to be asked, and so is what a
reporter is content with.
"""


def document() -> str:
    """Write the whole page, Markdown with a Mermaid diagram."""
    return "\n".join([_HEAD, "```mermaid", *_diagram(), "```", "", *_states(), "", *_table(), "", *_limits(), ""])


def _diagram() -> list[str]:
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> checking: of the public", "    [*] --> filed: of staff, police, devices"]
    ways: dict[tuple[str, str], list[str]] = {}
    for row in TRANSITIONS:
        for state in row.before:
            if row.after not in (SAME, BACK):
                ways.setdefault((state, row.after), []).append(row.verb)
    lines += [f"    {before} --> {after}: {', '.join(verbs)}" for (before, after), verbs in ways.items()]
    lines += [f"    {row.before[0]} --> dispatched: {row.verb} (back to where it was)" for row in TRANSITIONS if row.after == BACK]
    return lines


def _states() -> list[str]:
    return ["| state | 状态 | meaning |", "|---|---|---|", *(f"| `{state}` | {zh} | {en} |" for state, (zh, en) in STATE_NAMES.items())]


def _table() -> list[str]:
    head = "| verb | 操作 | from | to | who may | needs | guards | clock |"
    return [head, "|---|---|---|---|---|---|---|---|", *(_line(row) for row in TRANSITIONS)]


def _line(row: Transition) -> str:
    to = {SAME: "stays", BACK: "back"}.get(row.after, row.after)
    who = ", ".join(_who(word) for word in (row.permission, *row.also))
    cells = (f"`{row.verb}`", row.zh, ", ".join(row.before), to, who, ", ".join(row.needs), ", ".join(row.guards), ", ".join(row.clock))
    return f"| {' | '.join(cells)} |"


def _who(word: str) -> str:
    if word in (REPORTER, SYSTEM):
        return f"the {word}"
    return f"`{word}` ({', '.join(role.name_en.lower() for role in ROLES if word in role.permissions)})"


def _limits() -> list[str]:
    check, verify = rules.CHECK_LIMIT, rules.VERIFY_LIMIT
    return [
        f"A first check has {check[0]} {check[1].replace('_', ' ')}s, a verification {verify[0]} {verify[1].replace('_', ' ')}s;"
        " handling has the limit of its filing condition.",
        f"A case that was returned {rules.MAX_BOUNCES} times is not returned again: whoever commands decides."
        f" Rating is possible for {rules.RATING_WINDOW.days} days, reopening by the reporter for {rules.REOPEN_WINDOW.days}.",
    ]
