"""What commands print: results to stdout, everything else to stderr. Without a terminal, nothing moves."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, ParamSpec, TypeVar

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from mer_client.errors import (
    ApiError,
    ConnectionFailed,
    MerError,
    NotAuthenticated,
    NotConfigured,
    TookTooLong,
)

P = ParamSpec("P")
T = TypeVar("T")

FAILED = 1  # the server refused it, or it failed there
NO_ACCESS = 3
NO_CONNECTION = 4
TOO_LATE = 5
UNEXPECTED = 70
INTERRUPTED = 130

out = Console(highlight=False, soft_wrap=True, markup=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def say(text: str) -> None:
    """Print a message for people."""
    err.print(text)


def show_json(value: Any) -> None:
    """Print a result as JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show_rows(rows: list[dict[str, Any]], columns: dict[str, str]) -> None:
    """Print rows as a table; without a terminal, as lines of values with tabs between them."""
    cells = [[_text(row.get(name)) for name in columns] for row in rows]
    if not out.is_terminal:
        for line in [list(columns.values()), *cells]:
            sys.stdout.write("\t".join(line) + "\n")
        return
    table = Table(*columns.values(), box=None, pad_edge=False, header_style="bold")
    for line in cells:
        table.add_row(*line)
    out.print(table)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    return " ".join(str(value).split())


def commands(function: Callable[P, T]) -> Callable[P, T]:
    """Let a command end with a message and an exit code in place of a traceback."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            _end(
                "Interrupted. What has arrived at the server stays there: the same command continues.",
                INTERRUPTED,
            )
        except (MerError, OSError, ValueError, httpx.HTTPError) as error:
            _end(_words(error), _code(error), error, bool(kwargs.get("json_")))
        except Exception as error:
            if os.environ.get("MER_DEBUG"):
                raise
            _end(
                f"Unexpected error ({type(error).__name__}: {error}). Set MER_DEBUG=1 to see where.",
                UNEXPECTED,
            )

    return guarded


def _end(text: str, code: int, error: Exception | None = None, as_json: bool = False) -> NoReturn:
    if as_json and error is not None:
        facts: dict[str, Any] = {"detail": text}
        if isinstance(error, ApiError):
            facts |= {"status": error.status, "code": error.code, "request_id": error.request_id}
            facts["errors"] = [vars(one) for one in error.errors]
        sys.stderr.write(json.dumps({"error": facts}, ensure_ascii=False) + "\n")
    else:
        say(text)
    raise typer.Exit(code)


def _words(error: Exception) -> str:
    if isinstance(error, NotAuthenticated):
        return f"{error}\nRun `mer login` with another token."
    if isinstance(error, OSError) and error.filename:
        return f"Cannot use “{error.filename}”: {error.strerror}."
    if isinstance(error, json.JSONDecodeError):
        return f"This is not JSON from line {error.lineno}, column {error.colno} on."
    reference = getattr(error, "request_id", "") if getattr(error, "status", 0) >= 500 else ""
    return f"{error}\nRequest: {reference}" if reference else str(error)


def _code(error: Exception) -> int:
    if isinstance(error, NotAuthenticated | NotConfigured):
        return NO_ACCESS
    if isinstance(error, ConnectionFailed):
        return NO_CONNECTION
    return TOO_LATE if isinstance(error, TookTooLong) else FAILED


class Bar:
    """A progress bar on stderr; silent without a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def __call__(self, text: str, done: float, total: float) -> None:
        if self._task is None:
            self._task = self._progress.add_task(text, total=total or None)
        self._progress.update(self._task, description=text, completed=done, total=total or None)


@contextmanager
def progress_bar(quiet: bool = False, of_bytes: bool = False) -> Iterator[Bar]:
    """Yield what is called with a text, what is done, and the total."""
    units = DownloadColumn() if of_bytes else TextColumn("{task.completed:g}/{task.total}")
    columns = (TextColumn("{task.description}"), BarColumn(), units, TimeRemainingColumn())
    silent = quiet or not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=silent) as progress:
        yield Bar(progress)
