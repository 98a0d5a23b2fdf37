"""The command ``mer`` and its parts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import mer_client
from mer_client.cli import data, labels, results
from mer_client.cli.output import commands, err, progress_bar, say, show_json, show_rows
from mer_client.cli.shared import AsJson, connect, context
from mer_client.client import Client
from mer_client.settings import DEFAULT_URL, Settings, read_login, write_login

EPILOG = (
    "Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 no valid token; 4 no connection; 5 not finished in time; "
    "130 interrupted."
)

app = typer.Typer(
    name="mer",
    help="MER Platform on the command line: upload, label, train, compare and score micro-expression clips.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(labels.app, name="label")
app.add_typer(results.model_app, name="model")


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"mer {mer_client.__version__}\n")
        raise typer.Exit


@app.callback()
def settings(
    url: Annotated[
        str | None, typer.Option(help="The server. Default: MER_URL, or what `mer login` stored.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="The API token. Default: MER_TOKEN, or what `mer login` stored.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    context.url, context.token = url, token


@app.command()
@commands
def login(
    url: Annotated[str | None, typer.Option(help="The address of the server.")] = None,
    token: Annotated[str | None, typer.Option(help="The API token; asked for if it is not given.")] = None,
    json_: AsJson = False,
) -> None:
    """Check a token, and store it for the next commands in a file that only you can read."""
    address = (url or context.url or read_login().get("url") or DEFAULT_URL).rstrip("/")
    secret = token or context.token or ""
    if not secret and sys.stdin.isatty():
        say(f"Create a token on the page {address}/tokens/.")
        secret = typer.prompt("Token", hide_input=True, err=True)
    secret = (secret or sys.stdin.readline()).strip()
    with Client(address, secret) as client:
        count = sum(1 for _ in client.projects())
    path = write_login(Settings(address, secret))
    if json_:
        show_json({"url": address, "projects": count, "file": str(path)})
    else:
        say(f"Signed in at {address}. You are a member of {count} project{'' if count == 1 else 's'}.")


@app.command()
@commands
def projects(json_: AsJson = False) -> None:
    """List your projects."""
    with connect() as client:
        found = [project.data for project in client.projects()]
    if json_:
        show_json(found)
    else:
        show_rows(found, {"id": "id", "slug": "project", "name": "name", "role": "your role"})


app.command("upload")(data.upload)
app.command("import")(data.import_)
app.command()(results.compose)
app.command()(results.train)
app.command()(results.compare)
app.command()(results.score)

__all__ = ["app", "err", "progress_bar", "run"]


def run() -> None:
    """Run the command line."""
    app()
