"""Commands that bring clips to the server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mer_client.cli.output import FAILED, commands, progress_bar, say, show_json, show_rows
from mer_client.cli.shared import AsJson, InProject, Timeout, chosen, connect
from mer_client.errors import ApiError, MerError

CLIPS = {"id": "clip", "subject": "subject", "name": "name", "state": "state", "problem": "problem"}


@commands
def upload(
    files: Annotated[
        list[Path], typer.Argument(help="Videos, or zips of frame images.", exists=True, dir_okay=False)
    ],
    database: Annotated[str, typer.Option("--database", "-d", help="Name or id of the database.")],
    subject: Annotated[str, typer.Option("--subject", "-s", help="Whose face it is.")] = "",
    subject_from_folder: Annotated[
        bool,
        typer.Option("--subject-from-folder", help="The folder of each file is named after the subject."),
    ] = False,
    project: InProject = None,
    name: Annotated[str | None, typer.Option(help="Name of the clip. Default: the name of the file.")] = None,
    fps: Annotated[float | None, typer.Option(help="Recording rate, if it is not that of the file.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all frames have been read.")] = False,
    timeout: Timeout = None,
    json_: AsJson = False,
) -> None:
    """Upload clips. Run it again after an interruption: it continues, and leaves out clips that are there."""
    if bool(subject) == subject_from_folder:
        raise typer.BadParameter("Give either --subject or --subject-from-folder.")
    if name and len(files) > 1:
        raise typer.BadParameter("--name is for a single file.")
    done: list[dict[str, Any]] = []
    refused = 0
    with connect() as client, progress_bar(json_, of_bytes=True) as bar:
        for path in files:
            whose = path.resolve().parent.name if subject_from_folder else subject
            try:
                clip = client.upload(
                    path,
                    database=chosen(database) or "",
                    subject=whose,
                    project=chosen(project),
                    name=name,
                    fps=fps,
                    exist_ok=True,
                    progress=lambda arrived, size, path=path: bar(path.name, arrived, size),  # type: ignore[misc]
                )
                if wait:
                    clip = client.wait_for_clip(clip, timeout)
                done.append(clip.data)
            except MerError as error:
                if len(files) == 1 or (isinstance(error, ApiError) and error.status in (401, 403)):
                    raise
                refused += 1
                say(f"{path}: {error}")
    if json_:
        show_json(done)
    else:
        show_rows(done, CLIPS)
    if refused:
        say(f"{refused} of {len(files)} files were not uploaded.")
        raise typer.Exit(FAILED)


@commands
def import_(
    layout: Annotated[str, typer.Argument(help="Layout of the database: casme2, samm, smic, manifest, …")],
    source: Annotated[str, typer.Argument(help="Its folder, in the import folder of the server.")] = "",
    project: InProject = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="The coding sheet, if it is not in that folder.", exists=True, dir_okay=False),
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="Apply this correction of a published sheet; may be repeated.")
    ] = None,
    accept_all: Annotated[bool, typer.Option("--accept-all", help="Apply all corrections.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check.")] = False,
    timeout: Timeout = None,
    json_: AsJson = False,
) -> None:
    """Import a database as its makers publish it."""
    with connect() as client, progress_bar(json_) as bar:
        report = client.import_database(
            layout,
            source,
            project=chosen(project),
            sheet=sheet,
            accept=accept_all or list(accept or []),
            dry_run=dry_run,
            timeout=timeout,
            progress=lambda row: bar(str(row["state"]), *_progress(row)),
        )
    if json_:
        show_json(report)
        return
    problems = (
        ", ".join(
            f"{count} {kind}{'' if count == 1 else 's'}"
            for kind, count in report["problems"].items()
            if count
        )
        or "none"
    )
    say(f"Import {report['id']} is {report['state']}. Problems: {problems}.")
    rows = report["databases"]
    if rows:
        show_rows(rows, {name: name for name in rows[0]})
    if dry_run:
        for one in report["corrections"]:
            say(f"A correction is proposed: {one['key']}")


def _progress(report: dict[str, Any]) -> tuple[int, int]:
    total = sum(row.get("total", 0) for row in report["databases"])
    return total - sum(row.get("waiting", 0) for row in report["databases"]), total
