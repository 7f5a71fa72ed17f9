"""What the simulator was promised, on disk before it counts, and the check that the database kept every promise.

One JSON object a line, synced: ``{"kind": "report", "submissionId", "reportId", "caseId", "number"}``,
``{"kind": "detection", "device", "key", "alertId", "number"}``, ``{"kind": "step", "caseId", "verb"}``.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from domain.base import Conn

PIECE: Final = 5_000

_REPORTS: Final = """
select j.submission_id::text, count(distinct s.result_id), count(distinct r.id), count(distinct c.id) filter (where c.number = j.number),
       count(distinct e.id)
from unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[]) as j(submission_id, report_id, case_id, number)
left join submissions s on s.submission_id = j.submission_id and s.kind = 'report' and s.result_id = j.report_id
left join reports r on r.id = j.report_id and r.case_id = j.case_id
left join cases c on c.id = j.case_id
left join events e on e.subject_id = j.case_id and e.kind = 'case.opened'
group by 1
"""
_DETECTIONS: Final = """
select j.device || ' ' || j.key, count(d.id), count(distinct a.id), count(distinct c.id) filter (where c.number = j.number), 1
from unnest(%s::text[], %s::text[], %s::uuid[], %s::text[]) as j(device, key, alert_id, number)
left join devices v on v.code = j.device
left join detections d on d.device_id = v.id and d.detection_key = j.key and d.alert_id = j.alert_id
left join alerts a on a.id = j.alert_id left join cases c on c.id = a.case_id
group by 1
"""
_STEPS: Final = """
select j.case_id::text || ' ' || j.verb, 1, 1, 1, (count(t.id) >= j.times)::int
from unnest(%s::uuid[], %s::text[], %s::int[]) as j(case_id, verb, times)
left join case_transitions t on t.case_id = j.case_id and t.verb = j.verb group by j.case_id, j.verb, j.times
"""
# Two reports that name one case, or a case opened twice, would be the double that a retry must never make.
_DOUBLED: Final = """
select count(*) from (select result_id from submissions group by result_id having count(*) > 1) d
"""


class Journal:
    """Appends lines; a line is on the disk when ``add`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._writing = asyncio.Lock()

    async def add(self, entries: Iterable[dict[str, Any]]) -> None:
        """Write what was acknowledged together with one sync."""
        lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        async with self._writing:
            await asyncio.to_thread(self._write, lines)

    def _write(self, lines: str) -> None:
        self._file.write(lines)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(slots=True)
class Verdict:
    """What became of the promises: how many were looked at, and one line for each that was broken."""

    reports: int = 0
    detections: int = 0
    steps: int = 0
    broken: list[str] = field(default_factory=list)


async def verify(conn: Conn, path: Path) -> Verdict:
    """Hold a journal against the database: everything acknowledged is there exactly once. A torn last line is no promise."""
    reports, detections, steps = _read(path)
    verdict = Verdict(len(reports), len(detections), sum(steps.values()))
    by_submission = Counter(entry["submissionId"] for entry in reports)
    verdict.broken += [f"submission {one} was acknowledged {times} times" for one, times in by_submission.items() if times > 1]
    await _hold(
        conn, verdict, "report", _REPORTS, [[r[name] for name in ("submissionId", "reportId", "caseId", "number")] for r in reports]
    )
    await _hold(conn, verdict, "detection", _DETECTIONS, [[d[name] for name in ("device", "key", "alertId", "number")] for d in detections])
    await _hold(conn, verdict, "step", _STEPS, [[case, verb, times] for (case, verb), times in steps.items()])
    doubled = await (await conn.execute(_DOUBLED)).fetchone()
    if doubled and doubled[0]:
        verdict.broken.append(f"{doubled[0]} results stand under two submission ids")
    return verdict


def _read(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Counter[tuple[str, str]]]:
    reports, detections, steps = [], [], Counter[tuple[str, str]]()
    for line in path.read_text("utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            continue
        entry = json.loads(line)
        if entry["kind"] == "report":
            reports.append(entry)
        elif entry["kind"] == "detection":
            detections.append(entry)
        else:
            steps[entry["caseId"], entry["verb"]] += 1
    return reports, detections, steps


def _columns(entries: list[dict[str, Any]], *names: str) -> list[list[Any]]:
    return [[entry[name] for name in names] for entry in entries]


async def _hold(conn: Conn, verdict: Verdict, kind: str, query: str, promised: list[list[Any]]) -> None:
    for start in range(0, len(promised), PIECE):
        columns = [list(column) for column in zip(*promised[start : start + PIECE], strict=True)]
        for name, *counts in await (await conn.execute(query, columns)).fetchall():
            if any(count != 1 for count in counts):
                verdict.broken.append(f"{kind} {name}: found {counts}, expected each once")
