"""Ending asyncio tasks for certain.

A single `cancel()` can get lost: up to Python 3.11 `asyncio.wait_for`, which the database driver waits with, swallows it
when the awaited thing becomes ready in the same instant. So loops ask `cancelled()`, and whoever ends a task insists.
"""

from __future__ import annotations

import asyncio
from typing import Any


def cancelled() -> bool:
    """Say whether the running task has been told to end, even if the word got lost on its way."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they have ended; what they raised is dropped."""
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=0.2)
    await asyncio.gather(*tasks, return_exceptions=True)
