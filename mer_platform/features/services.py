"""Computing the features of a version without a run: one job per range of samples, then one that compares them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from mer_platform.clips.models import Clip
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.features.models import FeatureSet
from mer_platform.jobs.models import Claim, Job
from mer_platform.web import actor
from models_ml.config import FeatureConfig
from models_ml.motion.feature_keys import feature_key

SAMPLES_PER_JOB = 16
QUEUE = "features"


def sample_ranges(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Return ranges (start, exclusive end) of sample indices, of about ``SAMPLES_PER_JOB`` samples each.

    All samples of a clip are in one range, so one job decodes a long video with many expressions once.
    """
    ranges: list[tuple[int, int]] = []
    start = 0
    for position in range(1, len(samples) + 1):
        last = position == len(samples)
        if last or (
            position - start >= SAMPLES_PER_JOB
            and samples[position].content_sha256 != samples[position - 1].content_sha256
        ):
            ranges.append((samples[start].index, samples[position - 1].index + 1))
            start = position
    return ranges


def feature_name(content_key: str, onset: int, apex: int, config: FeatureConfig, device: str) -> str:
    """Return the stored name of the features between two frames of a clip, computed on one kind of device.

    The clip's pixels and the frames identify them; flow does not depend on the frame rate.
    """
    key = feature_key(content_key, onset, apex, config, device)
    return f"features/{key[:2]}/{key}.npy"


def moved_apex(onset: int, apex: int, offset: int | None, frames: int) -> int:
    """Return the apex moved by so many frames, within (onset, offset]. Without an offset it stays where it is."""
    if offset is None:
        return apex
    return max(min(apex + frames, offset), min(onset + 1, apex))


def request_features(version: CompositeVersion, config: FeatureConfig, user: Any) -> FeatureSet:
    """Return the version's feature set under a configuration. If there is none, or it failed, start computing it."""
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


def compute_again(clip: Clip) -> None:
    """Compute the feature sets of all versions that contain the clip again, because its frames have changed.

    Each becomes a new row, so that no address of an image ever shows another image.
    """
    versions = Sample.objects.filter(clip=clip).order_by().values("version")
    for old in FeatureSet.objects.filter(version__in=versions).select_related("version", "created_by"):
        Job.cancel_group(old.group)
        version, config, user = old.version, old.settings, old.created_by
        old.delete()
        request_features(version, config, user)


@contextmanager
def finishing(claim: Claim, set_id: int) -> Iterator[FeatureSet]:
    """Commit what one of a set's jobs found, finish the job and queue the next step: all or nothing.

    Locks the row of the set before the row of the job. Raises LeaseLost.
    """
    with transaction.atomic():
        features = FeatureSet.objects.select_for_update().get(pk=set_id)
        with claim.commit() as job:
            yield features
            claim.finish(job)
            if features.state == FeatureSet.State.COMPUTING and not _open_jobs(features).exists():
                features.state = FeatureSet.State.COMPARING
                _enqueue(features, "feature-summary", 0, {}, Job.LAST_STEP)
            features.save()


def fail(set_id: int, reason: str) -> None:
    """Fail the set with a reason, and cancel its other jobs."""
    features = FeatureSet.objects.filter(pk=set_id, state__in=FeatureSet.ACTIVE).first()
    if features is not None:
        FeatureSet.objects.filter(pk=set_id).update(state=FeatureSet.State.FAILED, error=reason)
        Job.cancel_group(features.group)


def _enqueue(
    features: FeatureSet, kind: str, number: int, payload: dict[str, Any], priority: int = Job.NORMAL
) -> None:
    key = f"{features.group}:{kind}:{number}"
    project = features.version.project.pk
    payload = {"set": features.pk, **payload}
    Job.enqueue(kind, QUEUE, project, key, features.group, payload, priority=priority)


def _open_jobs(features: FeatureSet) -> Any:
    return Job.objects.filter(group=features.group, state__in=Job.OPEN)
