"""Ending what works on a person's recordings: runs, features, attributions, exports, scores and imports."""

from typing import Any

from django.db.models import Q

from mer_platform.deletion.services import delete_scores
from mer_platform.experiments import steps
from mer_platform.experiments.models import Experiment, Run
from mer_platform.exports.models import Export
from mer_platform.features.models import FeatureSet
from mer_platform.imports.models import Import
from mer_platform.imports.services import cancel
from mer_platform.jobs.models import Job
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.scoring.services import fail_items, finish_if_done
from mer_platform.withdrawals.affected import Affected

REASON = "A person was withdrawn from the version, and the recordings are erased. Freeze a new version, and run again."
ERASED = "The file was erased, because it contained samples of a person who was withdrawn. Freeze a new version to make it."


def stop_runs(affected: Affected) -> None:
    """Cancel the unfinished runs on affected versions. Locks experiments and runs in the order of workers."""
    unfinished = Q(runs__version__in=affected.version_ids, runs__state__in=Run.ACTIVE)
    for experiment in Experiment.objects.filter(unfinished).distinct().order_by("pk"):
        Experiment.objects.select_for_update().get(pk=experiment.pk)
        runs = Run.objects.filter(experiment=experiment, state__in=Run.ACTIVE)
        for run in runs.select_for_update().order_by("pk"):
            if run.state == Run.State.FINISHING:  # its results are there, only the model is missing
                run.error = REASON
                run.save(update_fields=["error"])
                steps.finish(run)
            else:
                steps.end(run, Run.State.CANCELLED, REASON)
        steps.drop_idle_jobs(experiment.pk)
        Experiment.objects.filter(pk=experiment.pk).update(paused=False)
        Job.release_group(experiment.group)  # another worker must be able to end the job of a dead one


def stop_features(affected: Affected) -> None:
    """Fail the feature sets in progress, and say in all of them that the person's samples have none."""
    indices: dict[int, list[int]] = {}
    for version, index in affected.samples.order_by().values_list("version", "index"):
        indices.setdefault(version, []).append(index)
    for features in affected.feature_sets.select_for_update().order_by("pk"):
        if features.active:
            features.state, features.error = FeatureSet.State.FAILED, REASON
            Job.cancel_group(features.group)
        gone = {str(index): "the sample was withdrawn" for index in indices[features.version_id]}
        features.problems = {**features.problems, **gone}
        features.save(update_fields=["state", "error", "problems"])


def erase_results(affected: Affected, *, weights: bool) -> None:
    """Delete attributions, uploads of predictions and, if asked for, the networks of folds."""
    for attribution in affected.attributions:
        Job.cancel_group(attribution.group)
    affected.attributions.delete()
    affected.prediction_uploads.delete()
    if weights:
        affected.fold_weights.delete()


def erase_exports(affected: Affected) -> None:
    """Mark exports and paper bundles as erased; their files are noted elsewhere."""
    exports: list[Export] = [*affected.feature_exports, *affected.paper_bundles]
    for export in exports:
        Job.cancel_group(export.group)
        export.state, export.error = Export.State.FAILED, ERASED
        export.file, export.sha256, export.size = "", "", 0
        export.save(update_fields=["state", "error", "file", "sha256", "size"])


def erase_scores(affected: Affected) -> None:
    """Delete the person's scores. What waits in the same zip fails, because the zip is erased."""
    ids = sorted(set(affected.scores.order_by().values_list("batch", flat=True)))
    batches = list(ScoringBatch.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    affected.scores.filter(clip=None).delete()
    for batch in batches:
        if batch.archive:
            ScoringBatch.objects.filter(pk=batch.pk).update(archive="")
            waiting = batch.items.filter(waits_for=ScoringItem.WaitsFor.FILE)
            fail_items(batch, waiting, "withdrawn", ERASED.replace("The file", "The zip"))
        elif not batch.items.exists():
            Job.cancel_group(batch.group)
            batch.delete()
        else:
            finish_if_done(batch)
    delete_scores(affected.contents)


def stop_imports(affected: Affected, user: Any) -> None:
    """Cancel the imports that would add the person again, and those of which it is not known yet."""
    open_states = (*Import.ACTIVE, Import.State.CHECKED)
    unread = Q(project=affected.project, state=Import.State.CHECKING)
    known = Q(pk__in=affected.imports.values("pk"), state__in=open_states)
    for batch in Import.objects.filter(unread | known).order_by("pk"):
        cancel(batch, user)
