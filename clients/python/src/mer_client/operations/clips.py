"""Clips: uploading them and waiting until they are ready; importing whole databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mer_client.api import Api, call, given, wait
from mer_client.errors import Conflict, MerError, WorkFailed
from mer_client.operations.projects import AnyDatabase, AnyProject, database_id, project_id
from mer_client.operations.uploads import Progress, send_file
from mer_client.resources import Clip
from mer_client.steps import Pages, Request, Steps


def clips(api: Api, /, project: AnyProject | None = None, **filters: Any) -> Steps[Pages[Clip]]:
    """Yield the clips of a project. ``filters`` are those of ``GET /api/v1/clips/``, for example ``state="ready"``."""
    pk = yield from project_id(api, project)
    return Pages(Request("GET", "clips/", params={"project": pk, **filters}), Clip.read)


def clip(api: Api, /, id: int) -> Steps[Clip]:
    """Return a clip."""
    return Clip.read((yield from call(api, "GET", f"clips/{id}/")))


def upload(
    api: Api,
    /,
    path: str | Path,
    *,
    database: AnyDatabase,
    subject: str,
    project: AnyProject | None = None,
    name: str | None = None,
    fps: float | None = None,
    exist_ok: bool = False,
    progress: Progress | None = None,
) -> Steps[Clip]:
    """Upload a clip: a video, or a zip of frame images. It continues where an earlier attempt stopped.

    Parameters
    ----------
    database
        Id or name of the database. For a name, say also which project.
    subject
        Whose face it is. Evaluation holds out one subject at a time.
    fps
        The recording rate, if it is not that of the file or of the database.
    exist_ok
        Return the clip if the project has it already, instead of raising Conflict.
    progress
        Called with the bytes that have arrived and the size of the file.
    """
    path = Path(path)
    where, pk = yield from database_id(api, database, project)
    sent = yield from send_file(api, path, pk, progress)
    body = {"upload": sent.id, "database": where, "subject": subject, **given(name=name, fps=fps)}
    try:
        found = yield from call(api, "POST", "clips/", json=body)
    except Conflict as error:
        if not (exist_ok and error.data.get("clip")):
            raise
        found = yield from call(api, "GET", f"clips/{error.data['clip']}/")
        yield from _drop(api, sent.id)
    sent.memory.forget()
    return Clip.read(found)


def _drop(api: Api, upload: str) -> Steps[None]:
    """Delete an upload that is not needed."""
    headers = {"Tus-Resumable": "1.0.0"}
    try:
        yield from call(api, "DELETE", f"uploads/{upload}/", headers=headers)
    except MerError:
        return  # it expires by itself


def wait_for_clip(api: Api, /, clip: int | Clip, timeout: float | None = None) -> Steps[Clip]:
    """Return a clip once all of its frames have been read. Raises WorkFailed if they cannot be."""
    pk = clip.id if isinstance(clip, Clip) else clip
    found = Clip.read(
        (
            yield from wait(
                api, f"clips/{pk}/", lambda row: row["state"] != "processing", f"Clip {pk}", timeout
            )
        )
    )
    if found.state == "failed":
        raise WorkFailed(f"“{found.name}” cannot be used. {found.problem}", found.data)
    return found


def import_database(
    api: Api,
    /,
    layout: str,
    source: str = "",
    *,
    project: AnyProject | None = None,
    sheet: str | Path | None = None,
    accept: list[str] | bool = False,
    dry_run: bool = False,
    timeout: float | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
    **fields: Any,
) -> Steps[dict[str, Any]]:
    """Import a database as its makers publish it, and return the report once all clips are stored.

    Parameters
    ----------
    layout
        ``"casme2"``, ``"samm"``, ``"smic"``, ``"manifest"``, …
    source
        The folder, below the import folder of the server.
    sheet
        The coding sheet, if it is not in that folder.
    accept
        Corrections of known errors of the published sheets: their keys, or True for all.
    dry_run
        Only check.
    fields
        Further fields of ``POST /api/v1/imports/``.
    """
    pk = yield from project_id(api, project)
    body: dict[str, Any] = {"project": pk, "layout": layout, "source": source, **fields}
    if sheet is None:
        started = yield from call(api, "POST", "imports/", json=body)
    else:
        sheet = Path(sheet)
        files = {"sheet": (sheet.name, sheet.read_bytes())}
        form = {name: str(value) for name, value in body.items() if value not in ("", None)}
        started = yield from call(api, "POST", "imports/", data=form, files=files)
    path = f"imports/{started['id']}/"
    report = yield from wait(
        api, path, lambda row: row["state"] != "checking", "The check", timeout, progress
    )
    if report["state"] != "checked":
        raise WorkFailed(f"Cannot import this. {report['problem']}", report)
    if dry_run:
        return report  # type: ignore[no-any-return]
    keys = [one["key"] for one in report["corrections"]] if accept is True else (accept or [])
    yield from call(api, "POST", f"{path}confirm/", json={"accepted": keys})
    over = ("finished", "failed", "cancelled")
    report = yield from wait(api, path, lambda row: row["state"] in over, "The import", timeout, progress)
    if report["state"] != "finished":
        raise WorkFailed(f"The import is {report['state']}. {report['problem']}".strip(), report)
    return report  # type: ignore[no-any-return]
