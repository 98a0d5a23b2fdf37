"""Models: promoting runs, finding and downloading models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mer_client.api import Api, call, every, given, wait
from mer_client.errors import MerError, NotFound, WorkFailed
from mer_client.operations.files import download
from mer_client.operations.projects import AnyProject, project_id
from mer_client.operations.runs import AnyRun, id_of
from mer_client.operations.uploads import Progress, send_file
from mer_client.resources import Model
from mer_client.steps import Pages, Request, Steps

AnyModel = int | str | Model
FILES = ("model.safetensors", "config.json", "card.md")
EXPORTED = ("model.onnx", "package.zip")


def models(api: Api, /, project: AnyProject | None = None, **filters: Any) -> Steps[Pages[Model]]:
    """Yield the models of a project. ``filters`` are those of ``GET /api/v1/models/``, such as ``stage="production"``."""
    pk = yield from project_id(api, project)
    return Pages(Request("GET", "models/", params={"project": pk, **filters}), Model.read)


def model(api: Api, /, model: AnyModel, project: AnyProject | None = None) -> Steps[Model]:
    """Return a model by its id, or by an alias of its project such as ``"@production"``."""
    if isinstance(model, Model):
        return model
    if isinstance(model, str) and not model.startswith("@"):
        if not model.isdecimal():
            raise MerError(
                f"A model is given as its id or as an alias such as “@production”, not as “{model}”."
            )
        model = int(model)
    if isinstance(model, int):
        return Model.read((yield from call(api, "GET", f"models/{model}/")))
    alias = model.removeprefix("@")
    found = yield from every(api, (yield from models(api, project)))
    for one in found:
        if alias in aliases_of(one):
            return one  # type: ignore[no-any-return]
    raise MerError(f"No model of this project has the alias “@{alias}”.")


def aliases_of(model: Model) -> list[str]:
    """Return the aliases of a model, without the sign @."""
    names = model.data.get("aliases") or []
    found = [str(name).removeprefix("@") for name in names]
    return [*found, "production"] if model.stage == "production" and "production" not in found else found


def promote(
    api: Api,
    /,
    run: AnyRun,
    name: str,
    *,
    reason: str = "",
    stage: str | None = None,
    timeout: float | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> Steps[Model]:
    """Make a model of a finished run, and return it once it is trained on all samples.

    ``stage`` moves it to ``"production"`` then. The reason is kept with who did it.
    """
    body = {"run": id_of(run), "name": name, **given(reason=reason or None)}
    started = yield from call(api, "POST", "models/", json=body)
    path = f"models/{started['id']}/"
    ready = yield from wait(
        api, path, lambda row: row["state"] != "training", "The model", timeout, progress, long_polls=False
    )
    if ready["state"] == "failed":
        raise WorkFailed(f"The model cannot be trained. {ready['error']}", ready)
    if stage is not None:
        ready = yield from call(api, "POST", f"{path}stage/", json={"stage": stage, "reason": reason})
    return Model.read(ready)


def import_model(
    api: Api,
    /,
    path: str | Path,
    project: AnyProject | None = None,
    *,
    name: str = "",
    origin: str = "",
    reason: str = "",
    timeout: float | None = None,
    progress: Progress | None = None,
) -> Steps[Model]:
    """Import a ``package.zip``, or a ``model.safetensors`` of the platform, and return the model once it is checked.

    The file is sent in parts, and a later call continues where a broken one stopped. ``progress`` is called with the bytes
    that have arrived, and the size of the file.
    """
    pk = yield from project_id(api, project)
    sent = yield from send_file(api, Path(path), pk, progress)
    body = {
        "project": pk,
        "upload": sent.id,
        **given(name=name or None, origin=origin or None, reason=reason or None),
    }
    started = yield from call(api, "POST", "models/import/", json=body)
    sent.memory.forget()
    ready = yield from wait(
        api,
        f"models/{started['id']}/",
        lambda row: row["state"] != "checking",
        "The model",
        timeout,
        long_polls=False,
    )
    if ready["state"] == "failed":
        raise WorkFailed(f"The model cannot be used. {ready['error']}", ready)
    return Model.read(ready)


def get_model(
    api: Api,
    /,
    model_or_alias: AnyModel,
    to: str | Path,
    files: Iterable[str] = FILES,
    *,
    project: AnyProject | None = None,
) -> Steps[list[Path]]:
    """Store the files of a model in a folder, and return their paths. The hash of the weights is checked.

    ``files`` are ``model.safetensors``, ``config.json``, ``card.md``, ``model.onnx`` and ``package.zip``. The last two
    are made first, if no one has asked for them yet.
    """
    found = yield from model(api, model_or_alias, project)
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in files:
        sha256 = found.sha256 if name == "model.safetensors" else ""
        if name in EXPORTED:
            exported = yield from _exported(api, found)
            sha256 = exported.get("sha256", "") if name == "model.onnx" else ""
        try:
            path = yield from download(api, f"models/{found.id}/files/{name}", folder / name, sha256=sha256)
        except NotFound as error:
            raise MerError(f"{found.name} has no file “{name}”. {error.detail}") from error
        paths.append(path)
    return paths


def _exported(api: Api, model: Model) -> Steps[dict[str, Any]]:
    """Return the export of a model as ONNX, once it is done."""
    path = f"models/{model.id}/export/"
    try:
        yield from call(api, "GET", path)
    except NotFound:
        yield from call(api, "POST", path)
    found = yield from wait(
        api, path, lambda row: row["state"] in ("done", "failed"), "The export", long_polls=False
    )
    if found["state"] == "failed":
        raise WorkFailed(f"{model.name} cannot be exported. {found.get('error', '')}".strip(), found)
    return found  # type: ignore[no-any-return]


def project_of(api: Api, /, model: AnyModel, project: AnyProject | None) -> Steps[int]:
    """Return the id of the project in which a model scores: its own, or the stated one for an alias."""
    if isinstance(model, str) and model.startswith("@"):
        return (yield from project_id(api, project))
    if isinstance(model, Model):
        return model.project
    return Model.read((yield from call(api, "GET", f"models/{model}/"))).project
