"""Predictions of other code: checked against a version and the protocol that they declare, then stored as an external run.

What is checked and said never depends on true labels. Scores follow the rules of all scores: they are hidden from someone
who still has clips of the version to code.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.display import PROTOCOL_FIELDS, protocol_in_words
from mer_platform.configurations.parsing import parse_config
from mer_platform.experiments import steps
from mer_platform.experiments.models import Experiment, ExternalRun, Fold, Prediction, PredictionUpload, Run
from mer_platform.experiments.planned_runs import CPU_QUEUE, plan_runs
from mer_platform.projects.models import AuditEvent
from mer_platform.web import actor, storable
from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.formats.prediction_folds import check_folds
from models_ml.formats.prediction_tables import MAX_BYTES, PredictionTable, read_file, read_rows
from models_ml.formats.predictions import VersionSample, check_predictions
from models_ml.formats.problem_groups import group_problems
from models_ml.formats.report import ImportReport

ONE_FOLD = "all samples"  # its name, if the file gives no folds
KEPT = timedelta(days=2)  # of uploads that were not confirmed
_UNNAMED = "External predictions"


def check_size(file: Any) -> None:
    """Raise InputError if an uploaded file is too large to be read."""
    if file.size > MAX_BYTES:
        raise InputError(f"The file has {file.size:,} bytes, but the limit is {MAX_BYTES:,}.")


def check_file(
    version: CompositeVersion, name: str, content: bytes, declared: dict[str, Any], user: Any
) -> PredictionUpload:
    """Check a file of predictions for a version, and keep it until it is confirmed.

    ``declared`` has ``protocol`` and, as the protocol needs them, ``folds``, ``train_on`` and ``test_on``; it may have
    ``name``, ``source`` and ``seed``. Raises InputError if the file cannot be read as a whole, and ValidationError by field
    of ``declared``.
    """
    name = storable(PurePath(name.replace("\\", "/")).name[:255]) or "file"
    own = {**declared, "name": declared.get("name") or PurePath(name).stem}
    return _check(version, own, user, name, content, lambda report: read_file(name, content, report))


def check_rows(version: CompositeVersion, rows: Any, declared: dict[str, Any], user: Any) -> PredictionUpload:
    """Check rows of predictions, as ``check_file`` does. A row is an object with a value per column."""
    content = json.dumps(rows, sort_keys=True, default=str).encode(errors="replace")
    return _check(version, declared, user, "", content, lambda report: read_rows(rows, report))


def store(upload: PredictionUpload, user: Any) -> tuple[Run, bool]:
    """Make a run of an upload without errors, and delete the upload. Return the run, and whether it is new.

    The same predictions under the same name and protocol are stored once. Raises ValidationError if the upload has errors.
    """
    if upload.has_errors:
        raise ValidationError("These predictions have errors. Correct the file and upload it again.")
    with transaction.atomic():
        # Locked, so that two equal uploads at once make one run.
        version = CompositeVersion.objects.select_for_update().get(pk=upload.version_id)
        same = ExternalRun.objects.filter(content_hash=upload.content_hash, run__version=version)
        known = same.select_related("run").first()
        run = known.run if known else _stored(upload, version, user)
        if upload.pk is not None:
            upload.delete()
    return run, known is None


def samples_to_predict(version: CompositeVersion) -> list[VersionSample]:
    """Return the samples of a version as the reader of predictions needs them."""
    words = {
        database: {emotion.strip().casefold(): label for emotion, label in emotions.items() if label}
        for database, emotions in version.label_map.items()
    }
    rows = version.samples.order_by("index").values_list("index", "database", "subject", "name")
    return [
        VersionSample(index, database, subject, name, words.get(database, {}))
        for index, database, subject, name in rows
    ]


def declared_protocol(
    version: CompositeVersion, declared: dict[str, Any]
) -> tuple[RunConfig, dict[int, str]]:
    """Return a configuration with the declared protocol, and the name of the fold that tests each sample.

    Raises ValidationError by field if the protocol is not one of the platform's, or if the version does not allow it.
    """
    wanted = {"kfold": ("folds",), "cross": ("train_on", "test_on")}.get(str(declared.get("protocol")), ())
    data = {name: declared[name] for name in ("protocol", *wanted, "seed") if declared.get(name) is not None}
    config = parse_config(data)
    folds = plan_runs(version, [config])[0].folds
    return config, {index: fold.name for fold in folds for index in fold.test}


def remarks_of(problems: list[dict[str, Any]]) -> list[str]:
    """Return warnings and notes as sentences, one per kind."""
    groups = group_problems(problem for problem in problems if problem["severity"] != "error")
    return [
        group.message if group.count == 1 else f"In {group.count:,} rows: {group.example or group.message}"
        for group in groups
    ]


def _check(
    version: CompositeVersion,
    declared: dict[str, Any],
    user: Any,
    file_name: str,
    content: bytes,
    read: Callable[[ImportReport], PredictionTable],
) -> PredictionUpload:
    config, folds = declared_protocol(version, declared)
    report = ImportReport()
    samples = samples_to_predict(version)
    table = read(report)
    found = check_predictions(table, samples, frozenset(folds), report, version.content_hash)
    checked = [] if report.has_errors() else check_folds(found, samples, config, report, file_name)
    rows = [storable([p.index, p.predicted, p.probabilities, p.fold]) for p in found]
    upload = PredictionUpload(
        project=version.project,
        version=version,
        name=storable((declared.get("name") or "").strip()[:120]) or _UNNAMED,
        declared={
            name: value for name, value in config.model_dump(mode="json").items() if name in PROTOCOL_FIELDS
        },
        protocol=protocol_in_words(config),
        seed=config.seed,
        source=storable((declared.get("source") or "").strip()),
        file_name=file_name,
        file_sha256=hashlib.sha256(content).hexdigest(),
        rows=rows,
        problems=storable([asdict(problem) for problem in report.problems]),
        checked=checked,
        created_by=actor(user),
    )
    parts = [upload.name, upload.protocol, upload.seed, rows]
    upload.content_hash = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return upload


def keep(upload: PredictionUpload) -> PredictionUpload:
    """Store an upload for its confirmation, and delete old ones that were not confirmed."""
    PredictionUpload.objects.filter(project=upload.project_id, created_at__lt=timezone.now() - KEPT).delete()
    upload.save()
    return upload


def _stored(upload: PredictionUpload, version: CompositeVersion, user: Any) -> Run:
    common = {"project_id": upload.project_id, "version": version, "name": upload.name}
    experiment = Experiment.objects.create(**common, sweep=None, queue=CPU_QUEUE, created_by=actor(user))
    run = Run.objects.create(
        **common,
        experiment=experiment,
        config=None,
        protocol=upload.protocol,
        seed=upload.seed,
        state=Run.State.FINISHING,
        created_by=actor(user),
    )
    ExternalRun.objects.create(
        run=run,
        remarks=remarks_of(upload.problems),
        **{
            name: getattr(upload, name)
            for name in ("declared", "source", "file_name", "file_sha256", "content_hash", "checked")
        },
    )
    names = list(dict.fromkeys(fold or ONE_FOLD for *_, fold in upload.rows))
    folds = Fold.objects.bulk_create(
        Fold(run=run, index=number, name=name, state=Fold.State.DONE) for number, name in enumerate(names)
    )
    by_name = {fold.name: fold for fold in folds}
    ids = dict(version.samples.values_list("index", "pk"))
    Prediction.objects.bulk_create(
        (
            Prediction(
                run=run,
                fold=by_name[fold or ONE_FOLD],
                sample_id=ids[index],
                probabilities=probabilities,
                predicted=CLASSES[predicted],
            )
            for index, predicted, probabilities, fold in upload.rows
        ),
        batch_size=2000,
    )
    steps.finish(run)
    AuditEvent.record(upload.project, user, f"uploaded run {run} on {version}")
    transaction.on_commit(
        partial(steps.store_results, run), robust=True
    )  # if it fails, the first reader does
    return run
