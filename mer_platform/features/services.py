"""Computing the features of a version without a run: a job a range of samples, then one that compares them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.features.models import FeatureSet
from mer_platform.jobs.models import Claim, Job
from mer_platform.web import actor
from models_ml.config import FeatureConfig

SAMPLES_A_JOB = 16
QUEUE = "features"


def sample_ranges(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Ranges of sample indices, end exclusive, of about ``SAMPLES_A_JOB``; no clip's samples are in two of them.

    So a long video with many expressions is decoded once, by one job.
    """
    ranges: list[tuple[int, int]] = []
    start = 0
    for place in range(1, len(samples) + 1):
        last = place == len(samples)
        if last or (
            place - start >= SAMPLES_A_JOB
            and samples[place].content_sha256 != samples[place - 1].content_sha256
        ):
            ranges.append((samples[start].index, samples[place - 1].index + 1))
            start = place
    return ranges


def moved_apex(onset: int, apex: int, offset: int | None, frames: int) -> int:
    """The apex so many frames later, within (onset, offset]; where there is no offset, the apex as it is."""
    if offset is None:
        return apex
    return max(min(apex + frames, offset), min(onset + 1, apex))


def request_features(version: CompositeVersion, config: FeatureConfig, user: Any) -> FeatureSet:
    """The version's feature set under this configuration, being computed unless it is there; a failed one anew."""
    with transaction.atomic():
        found, created = FeatureSet.objects.get_or_create(
            version=version,
            config_hash=config.content_hash(),
            defaults={
                "config": config.model_dump(mode="json"),
                "created_by": actor(user),
            },
        )
        found = FeatureSet.objects.select_for_update().get(pk=found.pk)
        if not created:
            if found.state != FeatureSet.State.FAILED:
                return found
            found.state, found.error, found.problems = FeatureSet.State.COMPUTING, "", {}
            found.attempt += 1
            found.save()
        for start, end in sample_ranges(list(version.samples.order_by("index"))):
            _enqueue(found, "feature-set", start, {"samples": [start, end]})
    return found


@contextmanager
def finishing(claim: Claim, set_id: int) -> Iterator[FeatureSet]:
    """Commit what one of a set's jobs found, end the job, and queue what comes next: all or nothing.

    The set's row is locked before the job's, as in ``fail``. Raises LeaseLost.
    """
    with transaction.atomic():
        features = FeatureSet.objects.select_for_update().get(pk=set_id)
        with claim.commit() as job:
            yield features
            claim.finish(job)
            if features.state == FeatureSet.State.COMPUTING and not _open_jobs(features).exists():
                features.state = FeatureSet.State.COMPARING
                _enqueue(features, "feature-summary", 0, {})
            features.save()


def fail(set_id: int, reason: str) -> None:
    """End the set with a reason, and what is left of its jobs."""
    features = FeatureSet.objects.filter(pk=set_id, state__in=FeatureSet.ACTIVE).first()
    if features is not None:
        FeatureSet.objects.filter(pk=set_id).update(state=FeatureSet.State.FAILED, error=reason)
        Job.cancel_group(features.group)


def _enqueue(features: FeatureSet, kind: str, number: int, payload: dict[str, Any]) -> None:
    key = f"{features.group}:{kind}:{number}"
    project = features.version.project.pk
    Job.enqueue(kind, QUEUE, project, key, features.group, {"set": features.pk, **payload})


def _open_jobs(features: FeatureSet) -> Any:
    return Job.objects.filter(group=features.group, state__in=Job.OPEN)
