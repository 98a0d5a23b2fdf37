"""Commands that exchange annotations with other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mer_client.cli.output import commands, say, show_json
from mer_client.cli.shared import AsJson, InProject, chosen, connect

app = typer.Typer(help="Export and import annotations.", no_args_is_help=True)


@app.command("export")
@commands
def export(
    to: Annotated[Path, typer.Argument(help="The file to write.")],
    format: Annotated[
        str, typer.Option("--format", "-f", help="csv, parquet, casme2.xlsx, samm.xlsx, eaf.zip, json, …")
    ] = "",
    project: InProject = None,
    database: Annotated[str | None, typer.Option(help="Only of the database with this id.")] = None,
    coder: Annotated[str | None, typer.Option(help="Only of this coder.")] = None,
    consensus: Annotated[
        bool, typer.Option("--consensus", help="The consensus instead of the coders' marks.")
    ] = False,
    json_: AsJson = False,
) -> None:
    """Store the annotations of a project in a file. Without --format, its ending decides."""
    filters = {"database": database, "coder": coder, "marks": "consensus" if consensus else None}
    kind = format or to.suffix.removeprefix(".") or "csv"
    with connect() as client:
        chosen_filters = {name: value for name, value in filters.items() if value is not None}
        path = client.export_annotations(to, kind, project=chosen(project), **chosen_filters)
    if json_:
        show_json({"file": str(path), "format": kind, "bytes": path.stat().st_size})
    else:
        say(f"Wrote {path} ({path.stat().st_size:,} bytes).")


@app.command("import")
@commands
def import_(
    file: Annotated[
        Path, typer.Argument(help="A coding sheet, ELAN, Label Studio, …", exists=True, dir_okay=False)
    ],
    coders: Annotated[
        Literal["names", "me", "consensus"],
        typer.Option(help="Whose they are: of the members that the file names, yours, or the consensus."),
    ] = "names",
    project: InProject = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only compare with the project.")] = False,
    json_: AsJson = False,
) -> None:
    """Add and change annotations as a file says."""
    with connect() as client:
        report = client.import_annotations(file, coders=coders, project=chosen(project), dry_run=dry_run)
    if json_:
        show_json(report)
        return
    counts = ", ".join(
        f"{name} {count}" for name, count in report["counts"].items() if isinstance(count, int)
    )
    say(f"{'Compared' if dry_run else 'Imported'} “{file.name}”: {counts or 'nothing'}.")
    for problem in report["problems"][:20]:
        say(str(problem.get("message") or problem.get("text") or problem))
    if len(report["problems"]) > 20:
        say(f"… and {len(report['problems']) - 20} more; see --json.")
