"""``GET /workorders/{case_id}.pdf``: a case on paper, with a map, for staff who see it. Each print is written down.

``?contact=true`` adds how to reach the reporter, for those who may read reports and act for no external organisation.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import auth
from api.http.problems import problems
from domain.flows import workorder as orders
from runtime import ratelimit, workorder
from runtime.database import transaction
from runtime.ratelimit import Limit

PRINTS: Final = Limit("workorders", 300, 600, "打印过于频繁", "work orders of this account")
_CITY: Final = "select name from area_versions where layer = 'admin' and level = 'city' and valid_to is null order by code limit 1"

# Drawing keeps a processor busy for a tenth of a second.
_threads: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="workorder")


@problems
async def work_order(request: Request) -> Response:
    """Answer the sheet."""
    state = request.app.state
    at = datetime.now(UTC)
    actor = await auth.actor_of(request, at=at)
    case_id: UUID = request.path_params["case_id"]
    await ratelimit.spend(state.redis, PRINTS, str(actor.user_id) if actor else auth.client_address(request))
    async with transaction(state.pool) as conn:
        with_contact = request.query_params.get("contact") == "true"
        order = await orders.take(conn, actor, case_id, with_contact=with_contact, at=at)
        row = await (await conn.execute(_CITY)).fetchone()
    link = f"{state.settings.public_url}/?case={case_id}"
    draw = partial(workorder.pdf, order, link=link, city=row[0] if row else "")
    data = await asyncio.get_running_loop().run_in_executor(_threads, draw)
    headers = {
        "Content-Disposition": f'inline; filename="workorder-{order.case["number"]}.pdf"', "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return Response(data, headers=headers, media_type="application/pdf")


ROUTES: list[Route] = [Route("/workorders/{case_id:uuid}.pdf", work_order)]
