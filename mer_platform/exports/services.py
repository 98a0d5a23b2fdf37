"""Starting and finishing feature exports. A worker computes the file."""

import hashlib
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from mer_platform.composites.models import CompositeVersion
from mer_platform.exports.models import FeatureExport
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent
from mer_platform.web import actor
from models_ml.config import FeatureConfig

MAX_BYTES = 2 << 30  # because a worker keeps all features in memory


def start_export(version: CompositeVersion, config: FeatureConfig, format: str, user: Any) -> FeatureExport:
    """Return the export of these features; start one if there is none, or if the earlier one failed.

    Raises ValidationError for an unknown format, for features that do not fit into a worker's memory, and for a version with
    withdrawn samples.
    """
    if refusal := version.refusal("export its features"):
        raise ValidationError({"version": refusal})
    if format not in FeatureExport.FileFormat.values:
        known = " or ".join(FeatureExport.FileFormat.values)
        raise ValidationError({"format": f"“{format}” is not a format of features: choose {known}."})
    count = version.samples.count()
    if (size := count * 3 * config.size**2 * 4) > MAX_BYTES:
        raise ValidationError(
            {
                "size": f"{count} samples of 3×{config.size}×{config.size} values take {size / 2**30:.1f} GiB, but an "
                f"export must not exceed {MAX_BYTES >> 30} GiB. Choose a smaller size."
            }
        )
    stored = config.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        # The version's row is locked, so that two clicks make one export.
        CompositeVersion.objects.select_for_update().get(pk=version.pk)
        same = FeatureExport.objects.filter(version=version, config_hash=digest, format=format)
        if there := same.exclude(state=FeatureExport.State.FAILED).first():
            if there.state == FeatureExport.State.WAITING or default_storage.exists(there.file):
                return there
            there.delete()  # its file is missing from the storage
        export = FeatureExport.objects.create(
            version=version, config=stored, config_hash=digest, format=format,
            created_by=actor(user),
        )  # fmt: skip
        Job.enqueue(
            "export", "features", version.project.pk, export.group, export.group, {"export": export.pk}
        )
        AuditEvent.record(version.project, user, f"exported the {export}")
    return export


def finish(export: FeatureExport, file: str, sha256: str, size: int) -> None:
    """Finish the export, whose file is stored. The caller has locked the export's row."""
    export.state, export.finished_at = FeatureExport.State.DONE, timezone.now()
    export.file, export.sha256, export.size = file, sha256, size
    export.save(update_fields=["state", "finished_at", "file", "sha256", "size"])


def fail(export_id: int, reason: str) -> None:
    """End a waiting export with the reason."""
    waiting = FeatureExport.objects.filter(pk=export_id, state=FeatureExport.State.WAITING)
    waiting.update(state=FeatureExport.State.FAILED, error=reason, finished_at=timezone.now())
