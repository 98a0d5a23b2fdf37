"""Options that several commands take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from mer_client.client import Client


@dataclass
class Context:
    """The options before the name of the command."""

    url: str | None = None
    token: str | None = None


context = Context()

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
InProject = Annotated[
    str | None, typer.Option("--project", "-p", help="Name or id of the project; not needed if you have one.")
]
Timeout = Annotated[
    float | None, typer.Option(help="Seconds to wait for the server, which continues afterwards.")
]


def connect() -> Client:
    """Return a client of the server that options, environment or ``mer login`` name."""
    return Client(context.url, context.token)


def chosen(text: str | None) -> int | str | None:
    """Return the id or the name that an option gives."""
    return int(text) if text and text.isdecimal() else text
