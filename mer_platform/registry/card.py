"""The card of a model: facts that the platform knows, and apart from them what people wrote.

Each fact comes from a stored row. Scores are those of the run, from the same code as its page. Nothing that people write
replaces a fact. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from typing import Any

from mer_platform.composites.blindness import hidden_clips, visible_counts, why_not_counted
from mer_platform.configurations.display import features_in_words, network_facts
from mer_platform.registry.models import ModelVersion
from mer_platform.registry.scores import details_of, scores_of, why_hidden
from mer_platform.registry.serializers import ModelEventSerializer, aliases_of
from models_ml.registry.description import preprocessing_of

CARD_VERSION = 1
NOT_STATED = "not stated"
WRITTEN = ("intended_use", "out_of_scope", "ethics", "notes")
LANDMARKS = {
    "model": "dlib shape_predictor_68_face_landmarks (package face_recognition_models)",
    "used_for": "Face alignment of the onset frame, if the feature settings say “similarity”.",
    "licence": "According to the author of dlib, it was trained on iBUG 300-W, whose licence excludes commercial use. Ask "
    "Imperial College London before you use it in a commercial product.",
}
NOT_FOR = (
    "Identifying people, or judging what they think or intend, or whether they lie: expressions do not show thoughts.",
    "Decisions about individuals, for example in hiring, policing, insurance or medicine.",
    "Recordings unlike those in the limits below: their scores are flagged, and were not tested.",
    "Emotions other than the three classes. A clip without an expression also has a most probable class; only the threshold "
    "of the limits says that there is no expression.",
)


def card_of(model: ModelVersion, user: Any) -> dict[str, Any]:
    """Return the card as JSON; scores and counts as far as the user may see them, because coding is blind."""
    hidden = why_hidden(model, user)
    shown = not hidden
    return {
        "card_version": CARD_VERSION,
        "model": _identity(model),
        "data": _data(model, user),
        "protocol": _protocol(model),
        "scores": scores_of(model) if shown else None,
        "scores_hidden": hidden,
        "details": details_of(model) if shown else {},
        "calibration": {
            "temperature": model.temperature,
            "method": "Temperature scaling (Guo et al., ICML 2017): fitted to the held-out predictions of the run by their "
            "negative log likelihood. The model itself was trained on all samples, so its own calibration is not tested."
            if model.temperature is not None
            else "No temperature: there were too few held-out predictions, or the file came without one.",
        },
        "cost": _cost(model),
        "input": preprocessing_of(model.settings, model.classes, model.temperature),
        "limits": model.limits or None,
        "licences": _licences(model),
        "not_for": list(NOT_FOR),
        "written": {name: str(model.notes.get(name, "")) for name in WRITTEN},
        "imported": _imported(model),
        "history": ModelEventSerializer(model.events.select_related("by"), many=True).data,
    }


def databases_of(model: ModelVersion) -> list[str]:
    """Return the names of the databases that the model was trained on, as far as they are known."""
    if model.version is not None:
        names = model.version.samples.order_by("database").values_list("database", flat=True).distinct()
        return list(names)
    known = model.provenance.get("card", {}).get("data")
    databases = known.get("databases") if isinstance(known, dict) else None
    return sorted(map(str, databases)) if isinstance(databases, dict) else []


def _identity(model: ModelVersion) -> dict[str, Any]:
    run = model.run
    return {
        "id": model.pk,
        "name": model.name,
        "project": model.project.name,
        "stage": model.stage,
        "aliases": aliases_of(model),
        "sha256": model.sha256,
        "run": run.pk if run else None,
        "run_name": run.name if run else None,
        "experiment": run.experiment_id if run else None,
        "created_at": model.created_at.isoformat(),
        "created_by": model.created_by.username if model.created_by else None,
        "environment": run.environment if run else model.provenance.get("environment", {}),
    }


def _data(model: ModelVersion, user: Any) -> dict[str, Any]:
    version = model.version
    if version is None:
        own = model.provenance.get("card", {}).get("data")
        return {"stated_by_its_maker": own if isinstance(own, dict) else {}}
    counts = visible_counts(user, version)
    return {
        "version": str(version),
        "version_id": version.pk,
        "content_hash": version.content_hash,
        "preset": version.preset,
        "label_map": version.label_map,
        **{name: counts[name] for name in ("samples", "subjects", "classes", "databases")},
        "not_counted": why_not_counted(hidden_clips(user, [version.pk]).get(version.pk, 0)),
        "withdrawn_samples": version.withdrawn_samples,
        "withdrawn_note": version.withdrawn_note,
    }


def _protocol(model: ModelVersion) -> dict[str, Any]:
    run, config = model.run, model.settings
    return {
        "scores_from": run.protocol if run else "stated by its maker, not verified here",
        "folds": run.folds.count() if run else None,
        "seed": config.seed,
        "note": "The scores are those of networks that were trained without the tested subject. The model was trained "
        "with the same settings on all samples, so it has no held-out scores of its own.",
    }


def _cost(model: ModelVersion) -> dict[str, Any]:
    facts, members = network_facts(model.settings), model.settings.ensemble
    return {
        "network": facts.title,
        "paper": facts.paper,
        "networks": members,
        "parameters": facts.parameters * members if facts.parameters is not None else None,
        "multiply_adds": facts.multiply_adds * members if facts.multiply_adds is not None else None,
        "features": features_in_words(model.settings.features),
    }


def _licences(model: ModelVersion) -> dict[str, Any]:
    stated = model.notes.get("licences", {})
    uses_landmarks = model.settings.features.align == "similarity"
    return {
        "databases": {name: stated.get(name) or NOT_STATED for name in databases_of(model)},
        "landmarks": LANDMARKS if uses_landmarks else None,
        "note": "The platform does not know under which licences the databases were obtained. A model may be bound by "
        "them: read them before you publish or share it.",
    }


def _imported(model: ModelVersion) -> dict[str, Any] | None:
    if not model.is_imported:
        return None
    known = ("file_name", "origin", "sha256", "imported_at", "imported_by")
    return {
        **{name: model.provenance.get(name, "") for name in known},
        "note": "Facts about its training come from the file. The platform has checked that it loads, and nothing else.",
    }
