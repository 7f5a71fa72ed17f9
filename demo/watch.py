"""Two days of alarms from the trackside sensors, taken in by the real intake and worked off by the real steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np

from demo import city
from domain.alerts.intake import DetectionInput
from domain.base import Conn
from domain.cases.rules import StepInput
from domain.flows import alert_intake, case_steps
from domain.flows.city import CityHolder
from domain.people.scope import Actor, Grant

SEED: Final = 20240919
ALARMS: Final = 36
SPAN: Final = timedelta(days=2)
# Minutes from the alarm to each step, as ranges.
_STEPS: Final = (("accept", 1, 8), ("finish", 10, 45), ("verify", 5, 20))
_LIKELY: Final = (0.45, 0.2, 0.05, 0.2, 0.1)


async def load(conn: Conn, *, at: datetime) -> int:
    """Take the alarms in at their own instants and step their cases up to ``at``; return how many alarms there were.

    Their events wait for the relay like any others. Nothing happens in a city without sensors or alert matters.
    """
    rng = np.random.default_rng(SEED)
    devices = await (await conn.execute("select id, st_x(position), st_y(position) from devices where is_demo order by code")).fetchall()
    staff = await (await conn.execute("select id, username, display_name from users where username = 'dispatcher' and is_demo")).fetchone()
    if not devices or staff is None:
        return 0
    user_id, username, shown = staff
    actor = Actor(
        user_id, username, shown, None, (Grant("dispatcher", None, None), Grant("grid_worker", None, None), Grant("supervisor", None, None))
    )
    holder = CityHolder()
    for number, minutes in enumerate(sorted(rng.integers(2, int(SPAN.total_seconds() // 60), ALARMS).tolist(), reverse=True), 1):
        device_id, lon, lat = devices[rng.integers(len(devices))]
        moment = at - timedelta(minutes=minutes)
        seen = [_detection(rng, number, k, lon, lat, moment) for k in range(int(rng.integers(1, 4)))]
        (first, *_) = await alert_intake.detect(conn, holder, seen, device_id=device_id, at=moment)
        if isinstance(first, alert_intake.Detected) and first.opened:
            await _work_off(conn, holder, actor, rng, first.case_id, moment, at)
    await conn.execute("update cases set synthetic = true where origin = 'alert' and opened_at <= %s", (at,))
    return ALARMS


def _detection(rng: np.random.Generator, number: int, k: int, lon: float, lat: float, moment: datetime) -> DetectionInput:
    kind = city.RAIL_KINDS[np.random.default_rng([SEED, number]).choice(len(city.RAIL_KINDS), p=_LIKELY)]
    return DetectionInput(
        detection_key=f"demo-{number}-{k}",
        kind=kind,
        confidence=round(float(rng.uniform(0.6, 0.99)), 2),
        lon=lon + float(rng.normal(0, 5e-5)),
        lat=lat + float(rng.normal(0, 5e-5)),
        datum="WGS84",
        accuracy_m=8.0,
        occurred_at=moment - timedelta(seconds=3 * (3 - k)),
    )


async def _work_off(
    conn: Conn, holder: CityHolder, actor: Actor, rng: np.random.Generator, case_id: UUID, moment: datetime, at: datetime
) -> None:
    for verb, least, most in _STEPS:
        moment += timedelta(minutes=int(rng.integers(least, most)))
        if moment > at:
            return
        here = await holder.current(conn, at=moment)
        await case_steps.step(conn, actor, case_id, verb, StepInput(), city=here, at=moment)
