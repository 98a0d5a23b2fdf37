"""Which columns of the database can name a person. A test demands a decision for each column of text, JSON or bytes."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import IntegrityError, models, transaction

from mer_platform.projects.models import Project
from mer_platform.withdrawals.words import Names

TYPES = (models.CharField, models.TextField, models.JSONField, models.BinaryField)

# Columns that people or the platform fill with free text or with lists of names: names of the person are replaced in them.
# The value is the lookup from the model to its project.
SEARCHED: dict[str, tuple[str, tuple[str, ...]]] = {
    "projects.Project": ("pk", ("description",)),
    "projects.AuditEvent": ("project", ("action",)),
    "jobs.Job": ("project", ("payload", "error")),
    "webhooks.Webhook": ("project", ("description", "paused_because")),
    "webhooks.Delivery": ("webhook__project", ("body",)),
    "webhooks.Attempt": ("delivery__webhook__project", ("answer", "error")),
    "clips.Clip": ("project", ("name", "original_name", "problem", "notes")),
    "clips.FlowPicture": ("subject__database__project", ("name",)),
    "annotation.Annotation": ("clip__project", ("note",)),
    "annotation.AnnotationVersion": ("annotation__clip__project", ("content", "client")),
    "annotation.Assignment": ("clip__project", ("note",)),
    "exchange.AnnotationImport": (
        "project",
        ("file_name", "entries", "consensus", "problems", "conflicts"),
    ),
    "composites.Composite": ("project", ("name", "description")),
    "composites.CompositeVersion": ("composite__project", ("rules", "list_check")),
    "composites.Sample": ("version__composite__project", ("name",)),
    "features.FeatureSet": ("version__composite__project", ("error", "problems", "summary")),
    "experiments.Tag": ("project", ("name",)),
    "experiments.Run": ("project", ("name", "notes", "error")),
    "experiments.Experiment": ("project", ("name", "notes")),
    "experiments.Fold": ("run__project", ("name",)),
    "experiments.Attribution": ("run__project", ("error", "summary")),
    "experiments.ExternalRun": ("run__project", ("source", "file_name", "checked", "remarks")),
    "experiments.PredictionUpload": ("project", ("name", "source", "file_name", "problems", "checked")),
    "experiments.SavedView": ("project", ("name", "query")),
    "experiments.StoredDifference": ("run__project", ("reason",)),
    "experiments.StoredResults": ("run__project", ("evaluation", "intervals")),
    "registry.ModelVersion": ("project", ("name", "provenance", "notes")),
    "registry.ModelAlias": ("project", ("name",)),
    "registry.ModelEvent": ("model__project", ("before", "after", "reason")),
    "registry.ModelExport": ("model__project", ("error",)),
    "scoring.ScoringBatch": ("project", ("name",)),
    "scoring.ScoringItem": ("batch__project", ("name", "source", "subject", "warnings", "error")),
    "exports.FeatureExport": ("version__composite__project", ("error",)),
    "exports.PaperBundle": ("project", ("error",)),
    "imports.Import": (
        "project",
        ("source", "sheet", "sheet_name", "unclear_sheet", "problem", "corrections"),
    ),
    "imports.ImportItem": ("batch__project", ("subject", "name", "folder", "files", "expressions", "reason")),
    "imports.ImportProblem": ("batch__project", ("message", "file", "subject", "clip")),
}

# Why the other columns need no search.
_COMPUTED = "a number, a hash, a state or a word of the platform"
_GOES = "the row goes with the person"
_OTHERS = "names the people who use the platform, or what all databases share"
LEFT_OUT: dict[str, str] = {
    "auth.Permission": _COMPUTED, "auth.Group": _OTHERS, "auth.User": _OTHERS, "contenttypes.ContentType": _COMPUTED,
    "accounts.Session": "dropped if it contains a name", "rest.KeyedRequest": "dropped if it contains a name",
    "accounts.Installation": _COMPUTED, "projects.Membership": _COMPUTED, "projects.ApiToken": _OTHERS,
    "projects.SheetColumns": "names of columns", "jobs.Worker": _COMPUTED,
    "uploads.Upload": "deleted if it names the person", "uploads.UploadPart": _COMPUTED, "clips.Database": _OTHERS,
    "clips.Subject": _GOES, "annotation.Consensus": _COMPUTED, "annotation.Suggestion": _COMPUTED,
    "exchange.CoderName": _OTHERS, "features.FeatureRange": _COMPUTED, "experiments.Prediction": _COMPUTED,
    "experiments.AttributionPiece": "deleted with the attribution", "experiments.StoredCurves": _COMPUTED,
    "experiments.StoredEffects": _COMPUTED, "experiments.Baseline": _COMPUTED, "experiments.StoredRanking": _COMPUTED,
    "experiments.FoldWeights": _COMPUTED, "imports.ImportFolder": "a folder outside of the platform, which stays",
    "registry.SpottedMovements": _COMPUTED, "deletion.Removal": _COMPUTED,
    "deletion.StorageUse": _COMPUTED,
    "withdrawals.Withdrawal": "written without names",
}  # fmt: skip
# Columns of searched models that need no search.
LEFT_OUT_COLUMNS: dict[str, tuple[str, ...]] = {
    "projects.Project": ("name", "slug"),
    "jobs.Job": ("kind", "queue", "key", "group", "state", "lease_owner", "request_id"),
    "webhooks.Webhook": ("url", "events", "nonce", "digest", "former_nonce"),
    "webhooks.Delivery": ("event", "message_id", "key", "state"),
    "webhooks.Attempt": ("address",),
    "clips.Clip": (
        "sha256", "file", "state", "codec", "fps", "file_fps", "frame_steps", "faces", "face_frames", "fingerprint",
    ),
    "clips.FlowPicture": ("emotion", "sha256", "file"),
    "annotation.Annotation": ("kind", "emotion", "action_units", "origin", "suggestion"),
    "exchange.AnnotationImport": ("sha256", "content", "coders", "columns", "names", "state"),
    "composites.CompositeVersion": ("label_map", "preset", "content_hash"),
    "composites.Sample": ("content_sha256", "database", "subject", "apex_from", "emotion", "label"),
    "features.FeatureSet": ("config", "config_hash", "state"),
    "experiments.Run": ("config", "config_hash", "protocol", "features_hash", "state", "environment"),
    "experiments.Experiment": ("sweep", "device", "queue"),
    "experiments.Fold": ("state", "losses", "validation_losses", "oracle", "weights_sha256"),
    "experiments.Attribution": ("config", "config_hash", "state", "file"),
    "experiments.ExternalRun": ("declared", "file_sha256", "content_hash"),
    "experiments.PredictionUpload": ("declared", "protocol", "file_sha256", "content_hash", "rows"),
    "experiments.StoredDifference": ("seeds", "code"),
    "experiments.StoredResults": ("code", "predicted"),
    "registry.ModelVersion": ("stage", "config", "features_hash", "file", "sha256", "classes", "limits"),
    "registry.ModelEvent": ("kind",),
    "registry.ModelExport": ("state", "file", "sha256", "check_result"),
    "scoring.ScoringBatch": ("state", "database", "archive"),
    "scoring.ScoringItem": (
        "state", "waits_for", "frames_from", "outcome", "predicted", "probabilities", "timings", "error_code",
    ),
    "exports.FeatureExport": ("state", "file", "sha256", "config", "config_hash", "format"),
    "exports.PaperBundle": ("state", "file", "sha256", "runs", "key"),
    "imports.Import": ("layout", "place", "columns", "state", "accepted", "emotions", "rates"),
    "imports.ImportItem": ("kind", "database", "emotion", "state"),
    "imports.ImportProblem": ("severity", "code", "column"),
}  # fmt: skip


def replace_names(project: Project, names: Names) -> int:
    """Replace the names of a person in all texts of a project. Return the number of changed rows."""
    return sum(
        _replace_in(apps.get_model(label), path, project, columns, names)
        for label, (path, columns) in SEARCHED.items()
    )


def _replace_in(
    model: type[models.Model], path: str, project: Project, columns: tuple[str, ...], names: Names
) -> int:
    # All rows are read: SQL cannot search JSON as text, nor letters of all alphabets in both cases.
    rows = model._base_manager.filter(**{path: project.pk}).order_by().only("pk", *columns)
    found = [
        (row, changes) for row in rows.iterator(chunk_size=2000) if (changes := _changes(row, columns, names))
    ]
    for row, changes in found:
        _save(row, changes)
    return len(found)


def _changes(row: models.Model, columns: Iterable[str], names: Names) -> dict[str, Any]:
    changed = {}
    for column in columns:
        before = getattr(row, column)
        is_text = isinstance(before, str)
        after = names.text(before) if is_text else names.json(before)
        if after != before:
            most = getattr(row._meta.get_field(column), "max_length", None)
            changed[column] = after[:most] if is_text and most else after
    return changed


def _save(row: models.Model, changed: dict[str, Any]) -> None:
    rows = type(row)._base_manager.filter(pk=row.pk)  # no save(): frozen versions refuse it
    try:
        with transaction.atomic():
            rows.update(**changed)
    except IntegrityError:  # a name that must be unique
        own = {name: f"{text[:30]}-{row.pk}" for name, text in changed.items() if isinstance(text, str)}
        rows.update(**{**changed, **own})


def undecided() -> Iterator[str]:
    """Yield the columns about which nothing is decided here, as app.Model.column."""
    for model in apps.get_models():
        label = model._meta.label
        if label in LEFT_OUT:
            continue
        known = {*SEARCHED.get(label, ("", ()))[1], *LEFT_OUT_COLUMNS.get(label, ())}
        for field in model._meta.concrete_fields:
            if isinstance(field, TYPES) and field.name not in known:
                yield f"{label}.{field.name}"
