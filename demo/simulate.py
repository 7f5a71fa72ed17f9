"""Lives the demo city through its real doors: people report, sensors detect, staff step cases, all over HTTP.

Nothing is counted that was not acknowledged, and what was not acknowledged is sent again with the same id.
"""

from __future__ import annotations

import asyncio
import heapq
import io
import itertools
import json
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from PIL import Image

from demo import city, sources, wire
from demo.journal import Journal
from demo.wire import Refused, Unavailable, Wire, until_answered

IN_FLIGHT: Final = 200
DETECTION_SHARE: Final = 0.06
PHOTO_EVERY_S: Final = 20.0
# A public sender may send so many reports a second for long; what goes beyond comes in by the hotline's desk.
CITIZENS_A_SECOND: Final = 8.0
MOST_CASES_STEPPED: Final = 5_000
# What each state waits for: the step, and the seconds until somebody takes it, on average.
_STEPS: Final = {
    "checking": ("confirm", 20.0), "dispatched": ("accept", 20.0), "accepted": ("finish", 60.0), "handling": ("finish", 60.0),
    "handled": ("verify", 20.0),
}  # fmt: skip
_CENTRES: Final = ((114.917, 27.818, 0.45, 0.025), (114.668, 27.811, 0.15, 0.015))
_WORDS: Final = ("路边发现问题，请处理", "小区门口，影响通行", "已经好几天了，请尽快安排", "靠近学校，请注意安全", "下雨后更明显")


@dataclass(slots=True)
class Counts:
    """What happened so far; latencies of acknowledged reports in seconds, newest last, retries included."""

    began: float = field(default_factory=time.monotonic)
    reports: int = 0
    detections: int = 0
    steps: int = 0
    photos: int = 0
    retries: int = 0
    refused: int = 0
    last_refusal: str = ""
    in_flight: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=5_000))

    def percentile_ms(self, share: float) -> float:
        """Return a percentile of the newest latencies in milliseconds; 0 before the first."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0

    def a_second(self) -> float:
        """Return the acknowledged reports per second since the start."""
        return self.reports / max(time.monotonic() - self.began, 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to live: reports a second, for how long (None: until stopped), against which city."""

    url: str
    home: Path
    rate: float
    seconds: float | None = None
    journal: Path | None = None


async def run(plan: Plan, counts: Counts, *, stop: asyncio.Event) -> None:
    """Live until the time is over or ``stop`` is set, then let what is in flight be answered.

    Raises FileNotFoundError when the home holds no demo accounts, Refused when the city has no matters.
    """
    accounts = {one["username"]: one["password"] for one in json.loads((plan.home / "demo-accounts.json").read_text("utf-8"))}
    devices = json.loads((plan.home / "demo-devices.json").read_text("utf-8"))
    authority = plan.home / "tls" / "ca.crt"
    link = Wire(plan.url, accounts=accounts, authority=authority if plan.url.startswith("https") and authority.exists() else None)
    journal = Journal(plan.journal) if plan.journal else None
    life = _Life(link, counts, journal, devices, plan.rate)
    try:
        await life.learn_matters()
        if plan.seconds is not None:
            asyncio.get_running_loop().call_later(plan.seconds, stop.set)
        async with asyncio.TaskGroup() as group:
            stepping = group.create_task(life.step_cases())
            await life.send_until(stop, group)
            stepping.cancel()
    finally:
        await link.close()
        if journal:
            journal.close()


class _Life:
    """The city as it is lived: who sends what next, and which opened cases wait for their next step."""

    def __init__(self, link: Wire, counts: Counts, journal: Journal | None, devices: list[dict[str, str]], rate: float) -> None:
        self.link, self.counts, self.journal, self.devices, self.rate = link, counts, journal, devices, rate
        self.matters: list[str] = []
        self.waiting: list[tuple[float, int, str, str]] = []
        self.order = itertools.count()
        self.next_photo = 0.0
        self.towns = [(float(row["lon"]), float(row["lat"])) for row in sources.rows("townships.csv") if row["lon"] and _ours(row["code"])]

    async def learn_matters(self) -> None:
        """Ask the city what may be reported."""
        data = await self._patiently(lambda: self.link.ask(wire.MATTERS))
        self.matters = [matter["id"] for matter in data["matters"] if matter["kind"] != "alert"]
        if not self.matters:
            raise Refused("not_found", "this city has no catalogue of matters")

    async def send_until(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        """Start reports and detections at random moments, ``rate`` reports a second on average."""
        moment = time.monotonic()
        while not stop.is_set():
            moment = max(moment + random.expovariate(self.rate), time.monotonic() - 1.0)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(moment - time.monotonic(), 0.0))
            if not stop.is_set() and self.counts.in_flight < IN_FLIGHT:
                self.counts.in_flight += 1
                group.create_task(self._counted(self._detect if random.random() < DETECTION_SHARE else self._report))

    async def step_cases(self) -> None:
        """Take the next step of each opened case when its time has come, as the staff who may."""
        while True:
            await asyncio.sleep(0.2)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, case_id, county = heapq.heappop(self.waiting)
                try:
                    await self._step(case_id, county)
                except Refused as refused:
                    self._refused(refused)

    async def _counted(self, send: Callable[[], Awaitable[None]]) -> None:
        try:
            await send()
        except Refused as refused:
            self._refused(refused)
        finally:
            self.counts.in_flight -= 1

    async def _report(self) -> None:
        lon, lat = self._somewhere()
        citizen = random.random() < min(1.0, CITIZENS_A_SECOND / self.rate) * 0.7
        given = {
            "submissionId": str(uuid4()),
            "matterId": random.choice(self.matters),
            "description": random.choice(_WORDS),
            "position": {"lon": lon, "lat": lat, "datum": "WGS84", "accuracyM": round(random.uniform(4, 40), 1)},
            "occurredAt": datetime.now(UTC).isoformat(),
            "photoClaims": await self._photo(),
            "source": "citizen" if citizen else "hotline",
        }
        began = time.monotonic()
        data = await self._patiently(lambda: self.link.ask(wire.SUBMIT, {"i": given}, as_user=None if citizen else "dispatcher"))
        taken = data["submitReport"]
        names = ("reportId", "caseId", "number")
        await self._note({"kind": "report", "submissionId": given["submissionId"], **{name: taken[name] for name in names}})
        self.counts.latencies.append(time.monotonic() - began)
        self.counts.reports += 1
        if len(self.waiting) < MOST_CASES_STEPPED and taken["areaCode"]:
            self._wait(taken["caseId"], taken["areaCode"][:6], "checking" if citizen else "dispatched")

    async def _photo(self) -> list[str]:
        """Send a photo now and then; a photo that cannot be sent does not hold up the report."""
        if time.monotonic() < self.next_photo:
            return []
        self.next_photo = time.monotonic() + PHOTO_EVERY_S
        picture = Image.effect_noise((320, 240), random.uniform(20, 90))
        file = io.BytesIO()
        picture.convert("RGB").save(file, "JPEG", quality=80)
        try:
            answer = await self.link.post("/uploads", files={"photo": ("photo.jpg", file.getvalue(), "image/jpeg")})
        except (Refused, Unavailable):
            return []
        self.counts.photos += 1
        return [answer["claim"]]

    async def _detect(self) -> None:
        """One sensor sees one thing, in one to three detections."""
        device, kind = random.choice(self.devices), random.choice(city.RAIL_KINDS)
        at = datetime.now(UTC).isoformat()
        batch = [
            {
                "key": str(uuid4()), "kind": kind, "confidence": round(random.uniform(0.6, 0.99), 2), "datum": "WGS84", "accuracyM": 8.0,
                "lon": float(device["lon"]) + random.gauss(0, 5e-5), "lat": float(device["lat"]) + random.gauss(0, 5e-5), "occurredAt": at,
            }
            for _ in range(random.randint(1, 3))
        ]  # fmt: skip
        headers = {"X-Device-Key": device["key"]}
        answer = await self._patiently(lambda: self.link.post("/ingest/detections", json={"detections": batch}, headers=headers))
        for result in answer["results"]:
            if result["status"] == "refused":
                self._refused(Refused(result["error"]["code"], result["error"]["message"]))
                continue
            noted = {"device": device["code"], "key": result["key"], "alertId": result["alertId"], "number": result["caseNumber"]}
            await self._note({"kind": "detection", **noted})
            self.counts.detections += 1

    async def _step(self, case_id: str, county: str) -> None:
        """Take the step the case's state asks for; the state is asked again each time, since others work on cases too."""
        grid = "wangge-fenyi" if county == "360521" else "wangge-yushui"
        found = (await self._patiently(lambda: self.link.ask(wire.CASE, {"id": case_id}, as_user="dispatcher")))["case"]
        if found is None or found["state"] not in _STEPS:
            return
        verb, _ = _STEPS[found["state"]]
        step = {"caseId": case_id, "verb": verb, "revision": found["revision"]}
        try:
            stepped = await self._patiently(
                lambda: self.link.ask(wire.STEP, {"i": step}, as_user="supervisor" if verb == "verify" else grid)
            )
        except Refused as refused:
            if refused.code != "conflict":
                raise
            # Somebody was faster: often we ourselves, when the answer to an earlier try got lost.
            self._wait(case_id, county, found["state"])
        else:
            await self._note({"kind": "step", "caseId": case_id, "verb": verb})
            self.counts.steps += 1
            self._wait(case_id, county, stepped["stepCase"]["state"])

    def _wait(self, case_id: str, county: str, state: str) -> None:
        """Come back to a case when its state asks for a step; what waits for its reporter or for a department is left alone."""
        if state not in _STEPS:
            return
        pause_s = random.expovariate(1 / _STEPS[state][1])
        heapq.heappush(self.waiting, (time.monotonic() + pause_s, next(self.order), case_id, county))

    def _somewhere(self) -> tuple[float, float]:
        """Draw a position: mostly in the two towns, else around the seat of a rural one."""
        drawn = random.random()
        for lon, lat, share, spread in _CENTRES:
            if drawn < share:
                return round(random.gauss(lon, spread), 6), round(random.gauss(lat, spread), 6)
            drawn -= share
        lon, lat = random.choice(self.towns)
        return round(random.gauss(lon, 0.012), 6), round(random.gauss(lat, 0.012), 6)

    async def _patiently(self, send: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        return await until_answered(send, retried=self._retried)

    async def _note(self, entry: dict[str, Any]) -> None:
        if self.journal:
            await self.journal.add([entry])

    def _retried(self) -> None:
        self.counts.retries += 1

    def _refused(self, refused: Refused) -> None:
        self.counts.refused += 1
        self.counts.last_refusal = str(refused)


def _ours(code: str) -> bool:
    return code.startswith(city.COUNTIES)
