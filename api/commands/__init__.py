"""Commands of `./gridwarden`: every module here is one command, or one group of commands, named like the module.

A module holds `app = typer.Typer()`. With a single `@app.command()` it is a plain command (`locate.py` is `./gridwarden
locate`); with several, or with one beside an `@app.callback()`, it is a group (`import_.py` with a command `areas` is
`./gridwarden import areas`; the underscore only keeps clear of Python's keywords). The first line of the module's
docstring is its help. `api.cli` finds the modules by itself and imports only the one that was asked for.

A command takes `home: Home = None` and opens the city with `with city.opened(home) as settings:` (`api.city`), which
starts the stores when they do not run and stops them again.
"""
