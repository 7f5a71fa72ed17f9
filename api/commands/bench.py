"""Measure the product against named peers on this machine; nothing here is asserted, everything is printed."""

import importlib
import json
import os
import platform
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


class Bench(StrEnum):
    """The benchmarks, each a module of tests/bench."""

    POINT_INDEX = "point-index"
    SET_OWNERS = "set-owners"
    INTAKE = "intake"
    LIVE = "live"
    KILLS = "kills"
    LOOP = "loop"
    SUGGEST = "suggest"
    CLOCK = "clock"
    ESCALATIONS = "escalations"
    LIFECYCLE = "lifecycle"
    GROWTH = "growth"


@app.command()
def bench(
    names: Annotated[list[Bench] | None, typer.Argument(help="Which to run; all when none is named.")] = None,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Interleaved rounds; medians are shown.")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller data and shorter runs: a look, not a measure.")] = False,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the figures as JSON too.")] = None,
) -> None:
    """Measure the product against named peers on this machine; nothing here is asserted, everything is printed."""
    typer.echo(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    figures = {}
    for name in names or list(Bench):
        typer.echo(f"\n== {name} ==")
        module = importlib.import_module(f"tests.bench.{name.replace('-', '_')}")
        figures[str(name)] = module.run(typer.echo, rounds=rounds, quick=quick)
    if out:
        out.write_text(json.dumps(figures, indent=1, default=str) + "\n", encoding="utf-8")
