"""The files of a model: its weights, what is known about it, its card, the ONNX file and a package of all."""

import json
from typing import IO, Any

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent
from mer_platform.registry.card import card_of
from mer_platform.registry.card_text import markdown
from mer_platform.registry.models import ModelExport, ModelVersion
from mer_platform.registry.scores import why_hidden
from models_ml.errors import InputError
from models_ml.registry.description import EXAMPLE, preprocessing_of
from models_ml.registry.package import FORMAT, write_package

CONTENT_TYPES = {
    "model.safetensors": "application/octet-stream",
    "model.onnx": "application/octet-stream",
    "config.json": "application/json",
    "preprocessing.json": "application/json",
    "card.json": "application/json",
    "card.md": "text/markdown; charset=utf-8",
    "example.py": "text/x-python; charset=utf-8",
    "package.zip": "application/zip",
}


def start_export(model: ModelVersion, user: Any) -> ModelExport:
    """Return the model's ONNX file; queue the job that makes it if there is none, or if it failed.

    Raises InputError for a model without a file.
    """
    if not model.is_ready:
        raise InputError(f"Cannot export the {model}: it has no file yet.")
    with transaction.atomic():
        ModelVersion.objects.select_for_update(of=("self",)).get(pk=model.pk)
        export = ModelExport.objects.filter(model=model).first()
        if export is not None:
            lost = export.state == ModelExport.State.DONE and not default_storage.exists(export.file)
            if export.state != ModelExport.State.FAILED and not lost:
                return export
            export.delete()
        export = ModelExport.objects.create(model=model)
        # The row's id is part of the key, so that a failed export can be tried again.
        key, payload = f"{export.group}:{export.pk}", {"export": export.pk}
        Job.enqueue("model-export", "features", model.project_id, key, export.group, payload)
        AuditEvent.record(model.project, user, f"exported the {model} as ONNX")
    return export


def finish_export(export: ModelExport, file: str, sha256: str, size: int, check: dict[str, Any]) -> None:
    """Finish an export, whose file is stored. The caller has locked its row."""
    export.state, export.finished_at = ModelExport.State.DONE, timezone.now()
    export.file, export.sha256, export.size, export.check_result = file, sha256, size, check
    export.save()


def fail_export(export_id: int, reason: str) -> None:
    """End a waiting export with the reason."""
    waiting = ModelExport.objects.filter(pk=export_id, state=ModelExport.State.WAITING)
    waiting.update(state=ModelExport.State.FAILED, error=reason, finished_at=timezone.now())


def text_file(model: ModelVersion, name: str, user: Any) -> bytes:
    """Return one of the files that are written when someone asks for them. Raises KeyError for another name."""
    if name == "example.py":
        return EXAMPLE.encode()
    if name == "config.json":
        return _json(facts_of(model))
    if name == "preprocessing.json":
        return _json(preprocessing_of(model.settings, model.classes, model.temperature))
    card = card_of(model, user)
    return {"card.json": _json(card), "card.md": markdown(card).encode()}[name]


def facts_of(model: ModelVersion) -> dict[str, Any]:
    """Return what a package states of a model, as ``models_ml.registry.package.PackageFacts``."""
    return {
        "format": FORMAT,
        "name": model.name,
        "sha256": model.sha256,
        "config": model.config,
        "classes": list(model.classes),
        "temperature": model.temperature,
        "limits": model.limits or None,
        "trained_on": sorted(model.trained_on),
        "of_pictures": model.of_pictures,
        "origin": f"model {model.pk} of “{model.project}”"
        + (f", run #{model.run_id}" if model.run_id else ""),
    }


def write_model_package(model: ModelVersion, user: Any, target: IO[bytes]) -> None:
    """Write ``package.zip``. Raises PermissionDenied if scores are hidden from the user, and InputError without files."""
    if hidden := why_hidden(model, user):
        raise PermissionDenied(hidden)  # its card has scores
    export = ready_export(model)
    names = ("config.json", "preprocessing.json", "card.json", "card.md", "example.py")
    files = {name: text_file(model, name, user) for name in names}
    files["model.safetensors"] = stored_bytes(model.file)
    files["model.onnx"] = stored_bytes(export.file)
    write_package(target, files)


def ready_export(model: ModelVersion) -> ModelExport:
    """Return the finished ONNX file of a model. Raises InputError that says what to do if there is none."""
    export = ModelExport.objects.filter(model=model).first()
    if export is None:
        raise InputError(f"The {model} has not been exported as ONNX. Start it with POST to export/ first.")
    if export.state == ModelExport.State.WAITING:
        raise InputError(f"The {model} is being exported as ONNX. Ask again in a few seconds.")
    if export.state == ModelExport.State.FAILED:
        raise InputError(f"The {model} could not be exported as ONNX: {export.error}")
    return export


def stored_bytes(name: str) -> bytes:
    """Return a stored file. Raises InputError if the storage has lost it."""
    try:
        with default_storage.open(name) as file:
            content: bytes = file.read()
            return content
    except FileNotFoundError as error:
        raise InputError("The file is missing from the storage. Restore it from a backup.") from error


def download_name(model: ModelVersion, name: str) -> str:
    """Return the name under which a browser saves a file of the model."""
    stem, dot, suffix = name.rpartition(".")
    return f"{slugify(model.name)[:60] or 'model'}-{model.pk}-{stem}{dot}{suffix}"


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False, default=str).encode()
