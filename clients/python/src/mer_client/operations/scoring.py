"""Scoring: from files to a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_client.api import Api, call, every, given, wait
from mer_client.errors import WorkFailed
from mer_client.operations.files import download
from mer_client.operations.models import AnyModel, project_of
from mer_client.operations.projects import AnyProject
from mer_client.operations.runs import id_of
from mer_client.operations.uploads import Progress, Sent, send_file
from mer_client.resources import Batch, Clip, Model, Score
from mer_client.steps import Pages, Request, Steps
from mer_client.tables import frame

if TYPE_CHECKING:
    import pandas as pd

# A file, the id of a clip, a clip, or the fields of an item: {"clip": 7, "onset": 3, "apex": 9}.
Scored = str | Path | int | Clip | dict[str, Any]
# Called with the number of the file, of how many, and the bytes that have arrived of how many.
FileProgress = Callable[[int, int, int, int], None]
COLUMNS = (
    "item", "file", "clip", "clip_name", "state", "outcome", "predicted", "confidence", "margin", "entropy",
    "member_disagreement", "onset", "apex", "frames_from", "spotter_confidence", "in_training",
)  # fmt: skip


def start_batch(
    api: Api,
    /,
    clips: Scored | Iterable[Scored],
    model: AnyModel = "@production",
    *,
    project: AnyProject | None = None,
    name: str | None = None,
    calibrated: bool | None = None,
    priority: int | None = None,
    fps: float | None = None,
    progress: FileProgress | None = None,
    **fields: Any,
) -> Steps[tuple[Batch, list[str]]]:
    """Upload what are files, start a batch, and return it with the file of each item. ``score`` also waits.

    Parameters
    ----------
    clips
        Files (videos, zips of frame images), clips of the project, or items with ``onset`` and ``apex``.
    model
        A model, its id, or an alias such as ``"@production"``; then say which project, if you have several.
    calibrated
        Whether the probabilities are calibrated by temperature.
    fps
        The recording rate of the files; zips of frame images need it.
    fields
        Further fields of ``POST /api/v1/scoring-batches/``, such as ``database`` and ``subject`` of the files.
    """
    wanted: list[Scored] = [clips] if isinstance(clips, str | Path | int | Clip | dict) else list(clips)
    pk = yield from project_of(api, model, project)
    items: list[dict[str, Any]] = []
    sent: list[Sent] = []
    for number, one in enumerate(wanted):
        item = dict(one) if isinstance(one, dict) else {}
        if isinstance(one, int | Clip):
            item = {"clip": id_of(one)}
        file = item.pop("file", one if isinstance(one, str | Path) else None)
        if file is not None:
            path = Path(file)
            arrived = yield from send_file(api, path, pk, _of_file(progress, number, len(wanted)))
            sent.append(arrived)
            item = {"name": path.stem, **item, "upload": arrived.id}
        items.append(item)
    chosen = model.id if isinstance(model, Model) else model
    body: dict[str, Any] = {"model": chosen, "items": items, **fields}
    body |= given(name=name, calibrated=calibrated, priority=priority, fps=fps)
    if isinstance(chosen, str) and chosen.startswith("@"):
        body["project"] = pk
    batch = Batch.read((yield from call(api, "POST", "scoring-batches/", json=body, timeout=300)))
    for arrived in sent:
        arrived.memory.forget()
    return batch, [str(one) if isinstance(one, str | Path) else "" for one in wanted]


def _of_file(progress: FileProgress | None, number: int, count: int) -> Progress | None:
    if progress is None:
        return None
    return lambda arrived, size: progress(number, count, arrived, size)


def wait_for_batch(
    api: Api,
    /,
    batch: int | Batch,
    timeout: float | None = None,
    progress: Callable[[Batch], None] | None = None,
) -> Steps[Batch]:
    """Return a batch once all of its items have ended. Raises WorkFailed if it was cancelled, and TookTooLong."""
    pk = id_of(batch)
    report = None if progress is None else lambda row: progress(Batch.read(row))
    over = yield from wait(
        api,
        f"scoring-batches/{pk}/",
        lambda row: row["state"] in ("done", "cancelled"),
        f"Batch {pk}",
        timeout,
        report,
    )
    found = Batch.read(over)
    if found.state == "cancelled":
        raise WorkFailed(f"Batch {pk} was cancelled.", found.data)
    return found


def scores(api: Api, /, batch: int | Batch, **filters: Any) -> Steps[Pages[Score]]:
    """Yield the scores of a batch. ``filters`` are ``state``, ``outcome``, ``predicted`` and ``ordering``."""
    yield from ()
    params = {"page_size": 500, **filters}
    return Pages(Request("GET", f"scoring-batches/{id_of(batch)}/items/", params=params), Score.read)


def score(
    api: Api,
    /,
    clips: Scored | Iterable[Scored],
    model: AnyModel = "@production",
    *,
    project: AnyProject | None = None,
    name: str | None = None,
    calibrated: bool | None = None,
    priority: int | None = None,
    fps: float | None = None,
    timeout: float | None = None,
    progress: FileProgress | None = None,
    batch_progress: Callable[[Batch], None] | None = None,
    **fields: Any,
) -> Steps[pd.DataFrame]:
    """Score files or clips, and return a data frame with a row for each, in the same order.

    One that cannot be scored does not fail the others: its row has the reason in ``error``. The columns are the fields of an
    item, with ``p_…`` for the probability of each class.

    Parameters
    ----------
    clips
        Files (videos, zips of frame images), clips of the project, or items with ``onset`` and ``apex``.
    model
        A model, its id, or an alias such as ``"@production"``; then say which project, if you have several.
    calibrated
        Whether the probabilities are calibrated by temperature.
    fps
        The recording rate of the files; zips of frame images need it.
    fields
        Further fields of ``POST /api/v1/scoring-batches/``, such as ``database`` and ``subject`` of the files.
    timeout
        Seconds to wait for the server; it continues afterwards.
    """
    batch, files = yield from start_batch(
        api, clips, model, project=project, name=name, calibrated=calibrated, priority=priority, fps=fps,
        progress=progress, **fields,
    )  # fmt: skip
    yield from wait_for_batch(api, batch, timeout, batch_progress)
    found = yield from every(api, (yield from scores(api, batch)))
    return frame(score_rows(found, files))


def score_rows(found: list[Score], files: list[str] | None = None) -> list[dict[str, Any]]:
    """Return scores as rows of a table, in the order of the items."""
    rows = []
    for number, one in enumerate(sorted(found, key=lambda score: score.id)):
        data = {"item": one.id, "file": files[number] if files else "", **one.data}
        row = {column: data.get(column) for column in COLUMNS}
        row |= {f"p_{name}": value for name, value in (one.probabilities or {}).items()}
        row["warnings"] = ", ".join(warning["code"] for warning in one.warnings or [])
        row["error"] = (one.error or {}).get("detail", "")
        rows.append(row)
    return rows


def download_results(api: Api, /, batch: int | Batch, to: str | Path, format: str = "csv") -> Steps[Path]:
    """Store the results of a batch in a file: ``csv``, ``ndjson`` or ``parquet``."""
    return (yield from download(api, f"scoring-batches/{id_of(batch)}/results.{format}", to))
