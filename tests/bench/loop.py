"""The whole closed loop under load: reporters, field workers, dispatchers and supervision, through HTTP, against real processes.

The two busiest hours of a city ten times 新余 (44 000 reports a day, a third of them in these hours) come to 2 reports a second.
Every report is confirmed on the spot, sent on, accepted, handled, finished, verified and rated by the people who may, while 100
dispatchers read the queue, open cases and step them, and 2 000 field workers look at their lists. Some commands are sent
twice at the same time, as phones do. At the end the log is compared with what was acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import uuid4

import psycopg

from runtime.settings import Settings
from tests.bench import product
from tests.bench.loop_people import People, Person, Wire, hire

REPORTS_A_DAY: Final = 44_000
BUSY_SHARE: Final = 1 / 3  # of a day's reports, in its two busiest hours
SECONDS: Final = 300.0
DISPATCHERS, SUPERVISORS, WORKERS = 100, 20, 2_000
LINES: Final = 160
THINK_S: Final = 3.0  # between the steps of one case
DESK_S: Final = 8.0  # between two cases of a dispatcher
COUNT_S: Final = 3.0  # an open desk counts its queues again, as often as it may
LIST_S: Final = 60.0  # between two looks of a field worker
TWICE_SHARE: Final = 0.03
TROUBLE_SHARE: Final = 0.1  # of cases that are not done well at first

SUBMIT: Final = "mutation($i: SubmitReportInput!) { submitReport(input: $i) { caseId trackingCode areaCode } }"
STEP: Final = "mutation($i: StepCaseInput!) { stepCase(input: $i) { state revision } }"
RATE: Final = "mutation($c: String!, $s: String!, $i: ID!) { rateCase(code: $c, satisfaction: $s, submissionId: $i) { __typename } }"
CLAIM: Final = "mutation($c: ID!) { claimCase(caseId: $c) { byName until } }"
RELEASE: Final = "mutation($c: ID!) { releaseCase(caseId: $c) }"
QUEUE: Final = """{ cases(filter: {open: true}, order: DUE, first: 50) { nodes {
    id number state stateName { zh } title dueAt overdue lon lat homeArea { name } department { name } claimedBy { byName } } } }"""
COUNTS: Final = """{ open: caseCounts(filter: {open: true}) { open overdue unowned byState { state count } }
    supervised: caseCounts(filter: {open: true, supervised: true}) { open }
    request: caseCounts(filter: {open: true, pendingRequest: true}) { open } }"""
OPEN: Final = """query($id: ID!) { case(id: $id) { number state title dueAt lon lat revision allowedVerbs { verb needs }
    receipt { why { zh } } reports { description } transitions { at verb actorName } claimedBy { byName }
    ranking { department { id name } score why { zh } onDuty load } } }"""
LIST: Final = "{ myCases(first: 20) { id number state title dueAt lon lat } }"


@dataclass
class Tally:
    """What was sent and acknowledged; latencies in seconds by kind, waiting for a connection included."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    acknowledged: dict[str, tuple[str, str]] = field(default_factory=dict)  # command -> case, verb
    reports: dict[str, str] = field(default_factory=dict)  # submission -> case
    refused: Counter[str] = field(default_factory=Counter)
    sent_twice: int = 0
    ended: int = 0


def run(
    say: Callable[[str], None], *, rounds: int = 1, quick: bool = False, seconds: float | None = None, reports_a_day: int = REPORTS_A_DAY
) -> dict[str, Any]:
    """Simulate once; GRIDWARDEN_LOOP_SECONDS sets how long, else five minutes, with --quick thirty seconds."""
    del rounds
    seconds = seconds or float(os.environ.get("GRIDWARDEN_LOOP_SECONDS", 30.0 if quick else SECONDS))
    with product.running_city() as (home, url):
        settings = Settings(home=home)
        people = hire(settings, dispatchers=DISPATCHERS, supervisors=SUPERVISORS, workers=WORKERS)
        rate = reports_a_day * BUSY_SHARE / 7200
        before, began = _usage(home), time.monotonic()
        tally = asyncio.run(_Loop(url, people, rate, seconds).live())
        took = time.monotonic() - began
        used = {name: (cpu - before[name][0], mb) for name, (cpu, mb) in _usage(home).items() if name in before}
        return _told(say, tally, used, took, rate, compare(settings.database_url, tally))


class _Loop:
    """Everybody at work for a while; cases under way when the time is over are still brought to their end."""

    def __init__(self, url: str, people: People, rate: float, seconds: float) -> None:
        self.wire, self.people, self.rate, self.seconds = Wire(url, LINES), people, rate, seconds
        self.tally, self.random = Tally(), Random(7)
        self.stop = asyncio.Event()

    async def live(self) -> Tally:
        asyncio.get_running_loop().call_later(self.seconds, self.stop.set)
        async with asyncio.TaskGroup() as group:
            for person in self.people.dispatchers:
                group.create_task(self.desk(person))
                group.create_task(self.counts(person))
            for person in {one.user_id: one for persons in self.people.workers.values() for one in persons}.values():
                group.create_task(self.phone(person))
            number = 0
            while not await self.pause(self.random.expovariate(self.rate)):
                number += 1
                group.create_task(self.case(number))
        return self.tally

    async def pause(self, seconds: float) -> bool:
        """Wait; tell whether the time is over."""
        try:
            await asyncio.wait_for(self.stop.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def case(self, number: int) -> None:
        """One case from the report to the rating."""
        address = f"127.{number >> 16 & 255 | 1}.{number >> 8 & 255}.{number & 255 or 1}"
        grid = self.random.choice(list(self.people.workers))
        submission = str(uuid4())
        taken = await self.timed("submit", SUBMIT, {"i": await self.report(submission)}, address=address)
        if taken is None:
            return
        told = taken["submitReport"]
        self.tally.reports[submission] = case_id = told["caseId"]
        worker = self.random.choice(self.people.workers.get(told["areaCode"] or grid) or self.people.workers[grid])
        lead = self.random.choice(self.people.supervisors)
        for verb, person in (
            ("confirm", worker), ("dispatch", self.random.choice(self.people.dispatchers)), ("accept", worker), ("start", worker),
            ("finish", worker), ("verify", lead),
        ):  # fmt: skip
            await asyncio.sleep(self.random.expovariate(1 / THINK_S))
            if verb != "dispatch":
                await self.step(case_id, verb, person)
            elif await self.state(case_id, person) == "filed":
                await self.step(case_id, verb, person, departmentId=await self.first_unit(case_id, person))
            if verb == "verify" and self.random.random() < TROUBLE_SHARE:
                await self.step(case_id, "rework", lead, reason="照片与现场不符")
                await self.step(case_id, "finish", worker)
                await self.step(case_id, "verify", lead)
        await self.rate_result(case_id, told["trackingCode"], address, lead)

    async def rate_result(self, case_id: str, code: str, address: str, lead: Person) -> None:
        await asyncio.sleep(self.random.expovariate(1 / THINK_S))
        pleased = self.random.random() > TROUBLE_SHARE
        given = {"c": code, "s": "satisfied" if pleased else "dissatisfied", "i": str(uuid4())}
        rated = await self.timed("rate", RATE, given, address=address)
        if rated is not None and not pleased:
            await self.step(case_id, "close", lead, reason="已向反映人说明")
        self.tally.ended += rated is not None

    async def report(self, submission: str) -> dict[str, Any]:
        lon, lat = self.random.gauss(114.917, 0.05), self.random.gauss(27.818, 0.04)
        position = {"lon": round(lon, 6), "lat": round(lat, 6), "datum": "WGS84", "accuracyM": 12.0}
        at = datetime.now(UTC).isoformat()
        return {"submissionId": submission, "description": f"压测上报 {submission[:8]}", "position": position, "occurredAt": at}

    async def desk(self, person: Person) -> None:
        """A dispatcher: the queue, then one case with its ranking, shown to the others while it is open."""
        seen = Random(person.user_id.int)
        while not await self.pause(seen.expovariate(1 / DESK_S)):
            queue = await self.timed("queue", QUEUE, {}, person)
            if not queue or not queue["cases"]["nodes"]:
                continue
            case_id = seen.choice(queue["cases"]["nodes"])["id"]
            await self.timed("claim", CLAIM, {"c": case_id}, person)
            await self.timed("open", OPEN, {"id": case_id}, person)
            if seen.random() < 0.2:
                await self.step(case_id, "supervise", person, reason="请尽快处置")
            await self.timed("claim", RELEASE, {"c": case_id}, person)

    async def counts(self, person: Person) -> None:
        """The figures beside a dispatcher's queues."""
        await self.pause(Random(person.user_id.int).uniform(0, COUNT_S))
        while not await self.pause(COUNT_S):
            await self.timed("counts", COUNTS, {}, person)

    async def phone(self, person: Person) -> None:
        """A field worker's list, looked at now and then."""
        seen = Random(person.user_id.int)
        await self.pause(seen.uniform(0, LIST_S))
        while not self.stop.is_set():
            await self.timed("list", LIST, {}, person)
            await self.pause(seen.expovariate(1 / LIST_S))

    async def state(self, case_id: str, person: Person) -> str | None:
        found = await self.timed("open", "query($id: ID!) { case(id: $id) { state } }", {"id": case_id}, person)
        return found["case"]["state"] if found and found["case"] else None

    async def first_unit(self, case_id: str, person: Person) -> str | None:
        found = await self.timed("open", OPEN, {"id": case_id}, person)
        units = found["case"]["ranking"] if found and found["case"] else []
        return units[0]["department"]["id"] if units else None

    async def step(self, case_id: str, verb: str, person: Person, **given: Any) -> None:
        """Send a command, now and then twice at once; whatever is acknowledged must be in the log once."""
        command = str(uuid4())
        sent = {"i": {"caseId": case_id, "verb": verb, "commandId": command, **given}}
        calls: list[Awaitable[Any]] = [self.timed("command", STEP, sent, person)]
        if self.random.random() < TWICE_SHARE:
            self.tally.sent_twice += 1
            calls.append(self.timed("command", STEP, sent, person))
        if any(answer is not None for answer in await asyncio.gather(*calls)):
            self.tally.acknowledged[command] = (case_id, verb)

    async def timed(
        self, kind: str, query: str, variables: Mapping[str, Any], person: Person | None = None, *, address: str | None = None
    ) -> Any:
        """Ask and note how long it took; None when it was refused."""
        began = time.perf_counter()
        answer = await self.wire.ask(query, variables, token=person.token if person else None, address=address)
        self.tally.taken[kind].append(time.perf_counter() - began)
        if answer.get("errors"):
            error = answer["errors"][0]
            self.tally.refused[f"{kind}: {error['extensions']['code']}: {error['message'][:60]}"] += 1
            return None
        return answer["data"]


def compare(database_url: str, tally: Tally) -> dict[str, int]:
    """Count what is lost, doubled or out of order between what was acknowledged and what stands in the log; all must be 0."""
    with psycopg.connect(database_url) as conn:
        logged = conn.execute(
            "select command_id::text, case_id::text, verb from case_transitions where command_id = any(%s::uuid[])",
            (list(tally.acknowledged),),
        ).fetchall()
        reports = conn.execute("select submission_id::text from submissions where submission_id = any(%s::uuid[])", (list(tally.reports),))
        cases = list(set(tally.reports.values()))
        broken = conn.execute(
            "select count(*) from (select from_state, lag(to_state) over (partition by case_id order by id) as before"
            " from case_transitions where case_id = any(%s::uuid[])) t where from_state is distinct from before", (cases,),
        ).fetchone()  # fmt: skip
        behind = conn.execute(
            "select count(*) from cases c where c.id = any(%s::uuid[]) and c.state <> (select t.to_state from case_transitions t"
            " where t.case_id = c.id order by t.id desc limit 1)", (cases,),
        ).fetchone()  # fmt: skip
        kept = len(reports.fetchall())
    found = Counter(row[0] for row in logged)
    wrong = sum(tally.acknowledged[command] != (case_id, verb) for command, case_id, verb in logged)
    return {
        "lost_commands": len(tally.acknowledged) - len(found), "doubled_commands": sum(found.values()) - len(found),
        "wrong_commands": wrong, "lost_reports": len(tally.reports) - kept, "broken_chains": broken[0] if broken else -1,
        "states_behind_the_log": behind[0] if behind else -1,
    }  # fmt: skip


def _usage(home: Path) -> dict[str, tuple[float, float]]:
    """Give processor seconds and memory of each process of the city; PostgreSQL works in children, who count."""
    return {name: _used(name, pid) for name, pid in product.pids(home).items()}


def _used(name: str, pid: int) -> tuple[float, float]:
    ticks, megabytes = 0, product.memory_mb(pid)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
        if int(stat.parent.name) == pid:
            ticks += sum(map(int, words[11 : 15 if name == "postgres" else 13]))  # with what its ended children used
        elif name == "postgres" and int(words[1]) == pid:
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK"), megabytes


def _told(
    say: Callable[[str], None], tally: Tally, used: Mapping[str, tuple[float, float]], took: float, rate: float, compared: dict[str, int]
) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "seconds": round(took, 1), "reports_a_second": rate, "reports": len(tally.reports), "ended": tally.ended,
        "commands": len(tally.acknowledged), "sent_twice": tally.sent_twice, "refused": dict(tally.refused), **compared,
    }  # fmt: skip
    say(f"{len(tally.reports)} reports ({rate:.2f}/s), {len(tally.acknowledged)} commands, {tally.ended} cases rated, in {took:.0f} s")
    for kind, times in sorted(tally.taken.items()):
        ordered = sorted(times)
        at = {share: ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000 for share in (0.5, 0.95, 0.99)}
        figures |= {f"{kind}_p{share * 100:.0f}_ms": round(ms, 1) for share, ms in at.items()}
        say(f"{kind:8} {len(ordered):6}   p50 {at[0.5]:6.1f} ms   p95 {at[0.95]:6.1f} ms   p99 {at[0.99]:6.1f} ms")
    for name, (cpu, mb) in used.items():
        figures |= {f"{name}_cpu_share": round(cpu / took, 3), f"{name}_mb": round(mb)}
        say(f"{name:10} processor {100 * cpu / took:5.1f} %   memory {mb:5.0f} MB")
    requests = sum(map(len, tally.taken.values()))
    figures["requests_a_second"] = round(requests / took, 1)
    say(f"{requests} requests ({requests / took:.0f}/s), machine load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    say(f"against the log: {compared}")
    for what, count in tally.refused.most_common(8):
        say(f"refused {count} x {what}")
    return figures


if __name__ == "__main__":
    run(print)
