"""Start the city: stores, schema, demo data, web pages, worker and API."""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Annotated

import typer

from api.city import Home
from api.steps import Steps
from runtime import migrate, stores, supervisor
from runtime import settings as city_settings
from runtime.settings import LOOPBACK, Settings
from runtime.trouble import SetupTrouble

app = typer.Typer()


@app.command()
def up(
    home: Home = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the web pages and the API.")] = 8700,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS with a certificate of this city's own authority.")] = False,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Load the demo city once.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Return when the city answers; stop it with `down`.")] = False,
    api_processes: Annotated[int, typer.Option(min=1, max=64, help="How many API processes share the port.")] = 1,
    system_packages: Annotated[
        bool, typer.Option("--system-packages/--no-system-packages", help="As root, install missing stores with apt.")
    ] = True,
    user_runtime: Annotated[
        bool, typer.Option("--user-runtime", help="Without root, unpack the stores' packages for this user alone.")
    ] = False,
) -> None:
    """Start the city: stores, schema, demo data, web pages, worker and API."""
    settings = replace(
        city_settings.from_environment(home=home),
        port=port,
        host=host,
        tls=tls,
        demo=demo,
        api_processes=api_processes,
        system_packages=system_packages,
        user_runtime=user_runtime,
    )
    settings.prepare_home()
    with supervisor.city_lock(settings) as lock:
        if lock is None:
            advice = f"See ./gridwarden status{settings.home_option}, or stop it: ./gridwarden down{settings.home_option}"
            raise SetupTrouble(f"The city in {settings.home} is running already.", advice)
        supervisor.end_orphans(settings)
        with supervisor.listen(settings) as listener, Steps() as steps, stores.ensure_stores(settings, say=steps.say):
            _prepare(settings, steps)
            if detach:
                with steps.step("Starting the API and the worker"):
                    supervisor.start_detached(settings, listener, lock)
                steps.close()
                _welcome(settings, detached=True)
            else:
                steps.close()
                supervisor.supervise(settings, listener, on_ready=lambda: _welcome(settings, detached=False))


def _prepare(settings: Settings, steps: Steps) -> None:
    """Do what has to be done once: schema, demo city and web pages; the pages are built beside the rest."""
    with ThreadPoolExecutor(1) as beside:
        pages = beside.submit(_build_pages, settings, steps)
        with steps.step("Bringing the schema up to date", quiet_s=0.5):
            migrate.upgrade(settings.database_url)
        _refuse_public_demo(settings)
        if settings.demo:
            _load_demo(settings, steps)
        else:
            _load_catalogue(settings)
        if settings.tls:
            from runtime import tls

            tls.ensure_certificate(settings)
        _wait_for(pages)


def _build_pages(settings: Settings, steps: Steps) -> None:
    from runtime import webbuild

    if settings.web_dist == webbuild.WEB / "dist" and not webbuild.is_current():
        with steps.step("Building the web pages"):
            webbuild.build()


def _wait_for(pages: "Future[None]") -> None:
    try:
        pages.result()
    except SetupTrouble as trouble:
        if not (city_settings.CHECKOUT / "web" / "dist" / "index.html").exists():
            raise
        typer.echo(f"gridwarden: {trouble} The pages built earlier are served.", err=True)


def _refuse_public_demo(settings: Settings) -> None:
    """Stop before a city whose demo passwords lie in a file is opened to the network."""
    if settings.host in LOOPBACK:
        return
    import psycopg

    with psycopg.connect(settings.database_url) as conn:
        found = conn.execute("select exists (select from users where is_demo)").fetchone()
    if settings.demo or (found and found[0]):
        raise SetupTrouble(
            f"Demo accounts and the public address {settings.host} do not go together.",
            "Use --no-demo with a --home of its own, or stay on 127.0.0.1.",
        )


def _load_demo(settings: Settings, steps: Steps) -> None:
    import psycopg

    with psycopg.connect(settings.database_url) as conn:
        loaded = conn.execute("select 1 from installation where key = 'demo'").fetchone()
    if not loaded:
        from demo import load

        with steps.step("Loading the demo city") as report:
            load.load(settings.database_url, home=settings.home, report=report)


def _load_catalogue(settings: Settings) -> None:
    """Give a city without demo data the matters it can begin with; what it changes in them later stays."""
    import asyncio

    import psycopg

    from domain.routing import catalogue

    async def load() -> None:
        async with await psycopg.AsyncConnection.connect(settings.database_url) as conn:
            known = await conn.execute("select 1 from matters limit 1")
            if await known.fetchone() is None:
                await catalogue.load(conn)
                _compile_index()

    asyncio.run(load())


def _compile_index() -> None:
    """Have the point index compiled now, where somebody sees that work is done, and not in the first report."""
    import shapely

    from geo.point_index import PointIndex

    tiny = PointIndex.build(codes=["a", "b"], polygons=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    tiny.locate(0.5, 0.5)
    tiny.near(1.0, 0.5, 10.0)
    tiny.shares(1.0, 0.5, 10.0)


def _welcome(settings: Settings, *, detached: bool) -> None:
    """Print where the city is and who may sign in."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"\n  Gridwarden is ready: [bold]{settings.base_url}[/]", soft_wrap=True)
    console.print(f"  GraphQL: {settings.base_url}/graphql\n  Home: {settings.home}", soft_wrap=True)
    if settings.tls:
        from runtime import tls

        for address in sorted(tls.lan_addresses()) if settings.host not in LOOPBACK else ():
            console.print(
                f"  In the network: https://{f'[{address}]' if ':' in address else address}:{settings.port}", markup=False, soft_wrap=True
            )
        console.print(f"  For phones, install and trust this authority: {settings.home / 'tls' / 'ca.crt'}", soft_wrap=True)
        console.print("    iPhone: open the file, Settings > Profile Downloaded, then About > Certificate Trust Settings.", soft_wrap=True)
        console.print(
            "    Android: Settings > Security > Encryption & credentials > Install a certificate > CA certificate.", soft_wrap=True
        )
    if settings.demo_accounts_file.exists():
        accounts = json.loads(settings.demo_accounts_file.read_text())
        table = Table(title="Demo accounts", title_justify="left", box=None, padding=(0, 2))
        for column in ("username", "password", "role"):
            table.add_column(column, no_wrap=column != "role")
        for account in accounts:
            table.add_row(account["username"], account["password"], account["role"])
        console.print(table)
    stop = f"./gridwarden down{settings.home_option}"
    console.print(f"  Stop it with {stop}" if detached else f"  Stop it with Ctrl-C or {stop}", markup=False, soft_wrap=True)
