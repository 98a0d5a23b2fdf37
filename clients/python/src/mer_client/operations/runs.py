"""Versions, runs and experiments: composing, training, waiting and comparing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_client.api import Api, call, given, wait
from mer_client.errors import WorkFailed
from mer_client.operations.files import download
from mer_client.operations.projects import AnyDatabase, AnyProject, database_id, project_id
from mer_client.resources import Experiment, Run, Version
from mer_client.steps import Pages, Request, Steps
from mer_client.tables import frame, rows_of

if TYPE_CHECKING:
    import pandas as pd

OVER = ("finished", "failed", "cancelled")
AnyRun = int | Run
AnyVersion = int | Version


def id_of(one: Any) -> int:
    """Return the id of a resource, or the id itself."""
    return one if isinstance(one, int) else int(one.id)


def versions(api: Api, /, project: AnyProject | None = None) -> Steps[Pages[Version]]:
    """Yield the frozen composites of a project."""
    pk = yield from project_id(api, project)
    return Pages(Request("GET", "composite-versions/", params={"project": pk}), Version.read)


def compose(
    api: Api,
    /,
    name: str,
    databases: Iterable[AnyDatabase],
    *,
    project: AnyProject | None = None,
    label_map: dict[str, dict[str, str | None]] | None = None,
    rules: dict[str, Any] | None = None,
    preset: str | None = None,
) -> Steps[Version]:
    """Freeze the labelled clips of databases as a version.

    ``label_map`` is ``{database: {emotion: class or None}}``; without it, the suggested one is used. ``rules`` say which
    clips are included.
    """
    pk = yield from project_id(api, project)
    ids = []
    for one in databases:
        ids.append((yield from database_id(api, one, pk))[0])
    body = {"project": pk, "name": name, "databases": ids}
    body |= given(label_map=label_map, rules=rules, preset=preset)
    return Version.read((yield from call(api, "POST", "composite-versions/", json=body)))


def runs(api: Api, /, project: AnyProject | None = None, **filters: Any) -> Steps[Pages[Run]]:
    """Yield the runs of a project. ``filters`` are those of ``GET /api/v1/runs/``, such as ``state="finished"``."""
    pk = yield from project_id(api, project)
    return Pages(Request("GET", "runs/", params={"project": pk, **filters}), Run.read)


def run(api: Api, /, id: int) -> Steps[Run]:
    """Return a run."""
    return Run.read((yield from call(api, "GET", f"runs/{id}/")))


def train(
    api: Api,
    /,
    version: AnyVersion,
    config: dict[str, Any] | None = None,
    *,
    name: str | None = None,
    **fields: Any,
) -> Steps[Run]:
    """Start a run, and return it at once. ``config`` changes the default settings: ``{"net": {"kernels": [2, 3, 4]}}``."""
    body = {"version": id_of(version), "config": config or {}, **given(name=name), **fields}
    return Run.read((yield from call(api, "POST", "runs/", json=body)))


def launch(
    api: Api,
    /,
    version: AnyVersion,
    *,
    base: dict[str, Any] | None = None,
    grid: dict[str, list[Any]] | None = None,
    seeds: list[int] | None = None,
    **fields: Any,
) -> Steps[Experiment]:
    """Start an experiment: a run for each combination of the grid and each seed."""
    body = {"version": id_of(version), **given(base=base, grid=grid, seeds=seeds), **fields}
    return Experiment.read((yield from call(api, "POST", "experiments/", json=body)))


def wait_for_run(
    api: Api, /, run: AnyRun, timeout: float | None = None, progress: Callable[[Run], None] | None = None
) -> Steps[Run]:
    """Return a run once it is finished. Raises WorkFailed if it failed or was cancelled, and TookTooLong."""
    pk = id_of(run)
    report = None if progress is None else lambda row: progress(Run.read(row))
    over = yield from wait(api, f"runs/{pk}/", lambda row: row["state"] in OVER, f"Run {pk}", timeout, report)
    found = Run.read(over)
    if found.state != "finished":
        raise WorkFailed(f"Run {pk} is {found.state}. {found.error}".strip(), found.data)
    return found


def wait_for_experiment(
    api: Api,
    /,
    experiment: int | Experiment,
    timeout: float | None = None,
    progress: Callable[[Experiment], None] | None = None,
) -> Steps[Experiment]:
    """Return an experiment once all of its runs have ended. Raises TookTooLong."""
    pk = id_of(experiment)
    report = None if progress is None else lambda row: progress(Experiment.read(row))
    over = yield from wait(
        api, f"experiments/{pk}/", lambda row: row["state"] in OVER, f"Experiment {pk}", timeout, report
    )
    return Experiment.read(over)


def comparison(api: Api, /, runs: Iterable[AnyRun]) -> Steps[dict[str, Any]]:
    """Compare runs of one project, the first being the reference. ``compare`` gives the scores as a table."""
    params = [("run", id_of(one)) for one in runs]
    found = yield from call(api, "GET", "runs/compare/", params=params)
    return found  # type: ignore[no-any-return]


def compared_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a comparison as rows: the scores of each run, and their differences from the reference."""
    against = {other["run"]: other for other in found["against"]}
    rows = []
    for one in found["runs"]:
        results = one["results"]
        row: dict[str, Any] = {"run": one["id"], "name": one["name"], "protocol": one["protocol"]}
        other = against.get(one["id"], {})
        for score in ("uf1", "uar"):
            low, high = (results["intervals_95"] or {}).get(score) or (None, None)
            difference = (other.get("paired") or {}).get(score) or {}
            row |= {score: results[score], f"{score}_low": low, f"{score}_high": high}
            row |= {
                f"{score}_difference": difference.get("difference"),
                f"{score}_p": difference.get("p_holm"),
            }
        rows.append({**row, "reason": other.get("reason", "")})
    return rows


def compare(api: Api, /, runs: Iterable[AnyRun]) -> Steps[pd.DataFrame]:
    """Compare runs, and return a data frame with a row per run. The first run is the reference.

    Columns: ``run``, ``name``, ``protocol``; for ``uf1`` and ``uar`` the score, its 95% interval (``_low``, ``_high``), and
    the ``_difference`` from the reference with its ``_p``, adjusted by Holm's method; and the ``reason`` if they are not
    comparable.
    """
    return frame(compared_rows((yield from comparison(api, runs))))


def predictions(api: Api, /, run: AnyRun) -> Steps[pd.DataFrame]:
    """Return the held-out predictions of a run as a data frame, with a row per sample."""
    found = yield from call(api, "GET", f"runs/{id_of(run)}/predictions/")
    found = found["results"] if isinstance(found, dict) else found
    return frame([_flat(row) for row in found])


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with a column per class in place of the dictionary or list of probabilities."""
    probabilities = row.pop("probabilities", None)
    if isinstance(probabilities, dict):
        row |= {f"p_{name}": value for name, value in probabilities.items()}
    elif probabilities is not None:
        row["probabilities"] = probabilities
    return row


def log_predictions(
    api: Api, /, version: AnyVersion, rows: Any, name: str, *, protocol: str = "loso", **declared: Any
) -> Steps[dict[str, Any]]:
    """Store predictions of other code for a version as an external run, and return the answer: run, checked, problems.

    Parameters
    ----------
    rows
        A data frame, or a list of dictionaries: ``sample`` (or ``database``, ``subject`` and ``clip``), ``predicted`` and
        the probabilities ``p_negative``, ``p_positive``, ``p_surprise``. All samples must be there.
    protocol
        How the code was tested: ``"loso"``, ``"lodo"``, ``"kfold"`` or ``"cross"``. The platform cannot verify it.
    declared
        Further facts, such as ``seed`` and ``source``; ``dry_run=True`` only checks.
    """
    body = {"rows": rows_of(rows), "name": name, "protocol": protocol, **declared}
    path = f"composite-versions/{id_of(version)}/external-runs/"
    answer = yield from call(api, "POST", path, json=body, timeout=120)
    return answer  # type: ignore[no-any-return]


def download_features(
    api: Api,
    /,
    version: AnyVersion,
    to: str | Path,
    config: dict[str, Any] | None = None,
    *,
    format: str = "safetensors",
    timeout: float | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> Steps[Path]:
    """Compute the features of a version, if no one has, and store them in a file. Its hash is checked."""
    body = {"version": id_of(version), "config": config or {}, "format": format}
    export = yield from call(api, "POST", "feature-exports/", json=body)
    path = f"feature-exports/{export['id']}/"
    export = yield from wait(
        api, path, lambda row: row["state"] in ("done", "failed"), "The export", timeout, progress
    )
    if export["state"] == "failed":
        raise WorkFailed(f"The features cannot be computed. {export['error']}", export)
    return (yield from download(api, f"{path}file/", to, sha256=export["sha256"]))


def read_config(text: str) -> dict[str, Any]:
    """Return a configuration that is given as JSON, or as the name of a JSON file. Raises ValueError."""
    text = text.strip()
    source = text if text.startswith("{") or not text else Path(text).read_text("utf-8")
    found = json.loads(source or "{}")
    if not isinstance(found, dict):
        raise ValueError("A configuration is a JSON object.")
    return found
