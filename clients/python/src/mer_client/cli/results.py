"""Commands from labels to results: compose, train, compare, score, and models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mer_client.cli.output import commands, progress_bar, say, show_json, show_rows
from mer_client.cli.shared import AsJson, InProject, Timeout, chosen, connect
from mer_client.operations.models import FILES, aliases_of
from mer_client.operations.runs import compared_rows, read_config
from mer_client.operations.scoring import Scored, score_rows
from mer_client.resources import Run

model_app = typer.Typer(help="List and download models.", no_args_is_help=True)
SCORES = {
    "clip_name": "clip", "predicted": "predicted", "confidence": "confidence", "outcome": "outcome", "onset": "onset",
    "apex": "apex", "frames_from": "frames from", "warnings": "warnings", "error": "error",
}  # fmt: skip
COMPARED = {
    "run": "run", "name": "name", "uf1": "UF1", "uf1_low": "95% from", "uf1_high": "to", "uf1_difference": "difference",
    "uf1_p": "p", "uar": "UAR", "uar_difference": "difference", "uar_p": "p", "reason": "not compared because",
}  # fmt: skip


@commands
def compose(
    name: Annotated[str, typer.Argument(help="Name of the composite.")],
    database: Annotated[
        list[str], typer.Option("--database", "-d", help="Name or id of a database; may be repeated.")
    ],
    project: InProject = None,
    label_map: Annotated[
        str | None, typer.Option(help="JSON, or a JSON file: {database: {emotion: class or null}}.")
    ] = None,
    rules: Annotated[str | None, typer.Option(help="JSON, or a JSON file: which clips are included.")] = None,
    preset: Annotated[str | None, typer.Option(help="A published composite to follow.")] = None,
    json_: AsJson = False,
) -> None:
    """Freeze the labelled clips of databases as a version, on which runs are trained."""
    with connect() as client:
        version = client.compose(
            name,
            [chosen(one) or "" for one in database],
            project=chosen(project),
            label_map=read_config(label_map) if label_map else None,
            rules=read_config(rules) if rules else None,
            preset=preset,
        )
    if json_:
        show_json(version.data)
    else:
        show_rows(
            [version.data], {"id": "version", "name": "name", "number": "number", "content_hash": "hash"}
        )


@commands
def train(
    version: Annotated[int, typer.Argument(help="Id of the version.")],
    config: Annotated[
        str, typer.Option(help="Settings that differ from the default: JSON, or a JSON file.")
    ] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting: train.epochs=200; may be repeated.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is finished.")] = False,
    timeout: Timeout = None,
    json_: AsJson = False,
) -> None:
    """Train and test a network on a version, one held-out subject at a time."""
    settings = read_config(config)
    for one in set_ or []:
        _put(settings, one)
    with connect() as client, progress_bar(json_) as bar:
        run = client.train(version, settings, name=name)
        if wait:
            say(f"Run {run.id} has started. It continues on the server if you leave.")
            run = client.wait_for_run(
                run, timeout, lambda row: bar(f"Run {row.id} ({row.state})", *_folds(row))
            )
    if json_:
        show_json(run.data)
        return
    found = {"run": run.id, "name": run.name, "state": run.state}
    found |= {score: run.results[score] for score in ("uf1", "uar")} if run.results else {}
    show_rows([found], {"run": "run", "name": "name", "state": "state", "uf1": "UF1", "uar": "UAR"})


def _put(settings: dict[str, Any], assignment: str) -> None:
    """Add a setting such as ``train.epochs=200``."""
    path, equals, text = assignment.partition("=")
    if not equals:
        raise typer.BadParameter(f"A setting is given as name=value, not as “{assignment}”.")
    *parents, last = path.split(".")
    for parent in parents:
        settings = settings.setdefault(parent, {})
    try:
        settings[last] = json.loads(text)
    except ValueError:
        settings[last] = text


def _folds(run: Run) -> tuple[int, int]:
    """Return how many folds of a run are done, of how many."""
    progress = run.progress or {}
    return int(progress.get("folds_done", 0)), int(progress.get("folds_total", 0))


@commands
def compare(
    runs: Annotated[list[int], typer.Argument(help="Ids of runs. The first is the reference.")],
    json_: AsJson = False,
) -> None:
    """Compare runs: scores with 95% intervals, and differences from the first with p (Holm)."""
    with connect() as client:
        found = client.comparison(runs)
    if json_:
        show_json(found)
    else:
        show_rows(compared_rows(found), COMPARED)


@commands
def score(
    clips: Annotated[list[str], typer.Argument(help="Videos, zips of frame images, or ids of clips.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Id of a model, or an alias.")] = "@production",
    project: InProject = None,
    name: Annotated[str | None, typer.Option(help="Name of the batch.")] = None,
    fps: Annotated[float | None, typer.Option(help="Recording rate of the files; zips need it.")] = None,
    calibrated: Annotated[bool, typer.Option("--calibrated", help="Calibrate the probabilities.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write a .csv, .ndjson or .parquet file.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Only start the batch.")] = False,
    timeout: Timeout = None,
    json_: AsJson = False,
) -> None:
    """Score clips with a model. Files are uploaded first; run it again after an interruption."""
    kind = output.suffix.removeprefix(".") if output else ""
    if output and kind not in ("csv", "ndjson", "parquet"):
        raise typer.BadParameter("--output is a file that ends in .csv, .ndjson or .parquet.")
    wanted: list[Scored] = [int(one) if one.isdecimal() else Path(one) for one in clips]
    chosen_model = int(model) if model.isdecimal() else model
    with connect() as client:
        with progress_bar(json_, of_bytes=True) as bar:
            batch, files = client.start_batch(
                wanted, chosen_model, project=chosen(project), name=name, calibrated=calibrated or None, fps=fps,
                progress=lambda number, count, done, size: bar(f"File {number + 1} of {count}", done, size),
            )  # fmt: skip
        if no_wait:
            return show_json(batch.data) if json_ else say(f"Batch {batch.id} has started.")
        with progress_bar(json_) as bar:
            client.wait_for_batch(
                batch,
                timeout,
                lambda row: bar(f"Batch {row.id} ({row.state})", *_items(row.progress, len(wanted))),
            )
        rows = score_rows(list(client.scores(batch)), files)
        if output:
            client.download_results(batch, output, kind)
    if json_:
        show_json({"batch": batch.id, "items": rows})
    else:
        show_rows([{**row, "clip_name": row["clip_name"] or row["file"]} for row in rows], SCORES)
    failed = sum(row["state"] == "failed" for row in rows)
    if failed:
        say(f"{failed} of {len(rows)} clips could not be scored.")
        raise typer.Exit(1)
    return None


def _items(progress: dict[str, Any], total: int) -> tuple[int, int]:
    return sum(int(progress.get(state, 0)) for state in ("done", "failed", "cancelled")), total


@model_app.command("list")
@commands
def list_models(project: InProject = None, json_: AsJson = False) -> None:
    """List the models of a project."""
    with connect() as client:
        found = list(client.models(chosen(project)))
    if json_:
        show_json([model.data for model in found])
        return
    rows = [{**model.data, "aliases": " ".join(f"@{name}" for name in aliases_of(model))} for model in found]
    show_rows(rows, {"id": "model", "name": "name", "stage": "stage", "aliases": "aliases", "run": "run"})


@model_app.command("get")
@commands
def get_model(
    model: Annotated[
        str, typer.Argument(help="Id of a model, or an alias such as @production.")
    ] = "@production",
    to: Annotated[Path, typer.Option("--to", "-o", help="The folder to write to.", file_okay=False)] = Path(),
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file", "-f", help="model.safetensors, config.json, card.md, model.onnx, package.zip."
        ),
    ] = None,
    project: InProject = None,
    json_: AsJson = False,
) -> None:
    """Download the files of a model, and check the hash of its weights."""
    with connect() as client:
        chosen_model = int(model) if model.isdecimal() else model
        paths = client.get_model(chosen_model, to, file or FILES, project=chosen(project))
    if json_:
        show_json([str(path) for path in paths])
    else:
        say("\n".join(f"Wrote {path}." for path in paths))
