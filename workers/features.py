"""Queue ``features``: from the onset and apex frames of samples to flow pictures, cached by content."""

import io
from collections.abc import Sequence

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from mer_platform.clips.models import Clip
from mer_platform.composites.models import Sample
from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.storage import local_copy
from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.motion.features import feature_key, onset_apex_features
from models_ml.motion.pictures import picture_features
from models_ml.video.decode import read_frames
from workers.runner import handles

SHOWN_PROBLEMS = 5


def run_failed(job: Job, reason: str) -> None:
    services.fail(job.payload["run"], reason)


@handles("features", failed=run_failed)
def compute_features(claim: Claim) -> None:
    """Every missing feature of a range of samples. All problems of the range are told at once."""
    run = Run.objects.select_related("version").get(pk=claim.job.payload["run"])
    if not run.active:
        raise JobCancelled("the run was ended")
    config = run.settings.features
    start, end = claim.job.payload["samples"]
    samples = list(
        run.version.samples.select_related("clip", "picture").filter(index__range=(start, end - 1))
    )
    problems = []
    for done, sample in enumerate(samples):
        claim.check()
        claim.progress(done, len(samples))
        try:
            sample_features(sample, config)
        except InputError as error:
            problems.append(f"{sample}: {error}")
    if problems:
        more = f" (and {len(problems) - SHOWN_PROBLEMS} more)" if len(problems) > SHOWN_PROBLEMS else ""
        raise InputError("; ".join(problems[:SHOWN_PROBLEMS]) + more)
    claim.progress(len(samples), len(samples))
    with services.finishing(claim, run.pk):
        pass  # the features themselves are in the cache


def sample_features(sample: Sample, config: FeatureConfig) -> NDArray[np.float32]:
    """The flow picture (3, size, size) of a sample: computed from its clip, or the one it came as. Raises InputError."""
    if sample.picture is not None:
        with default_storage.open(sample.picture.file) as file:
            return picture_features(file.read(), config.size)
    if sample.clip is None or sample.onset is None or sample.apex is None:
        raise InputError(
            "It has neither a clip with onset and apex nor a flow picture."
        )  # the database forbids it
    return load_or_compute(sample.clip, sample.onset, sample.apex, config)


def load_or_compute(clip: Clip, onset: int, apex: int, config: FeatureConfig) -> NDArray[np.float32]:
    """The flow picture (3, size, size) of a clip between two frames, from the cache or made now.

    Raises InputError with the frame in question where there is no face or no such frame.
    """
    # Frame images carry no rate, and flow does not depend on it; the bytes and the frames are the identity.
    key = feature_key(clip.sha256, onset, apex, config)
    name = f"features/{key[:2]}/{key}.npy"
    if default_storage.exists(name):
        with default_storage.open(name) as file:
            return np.load(io.BytesIO(file.read()), allow_pickle=False)
    with local_copy(clip.file) as path:
        frames = read_frames(path, {onset, apex}, fps=clip.fps_given)
    onset_name = f"frame {onset} (source frame {frames[onset].source_number})"
    picture = onset_apex_features(frames[onset].image, frames[apex].image, config, onset_name=onset_name)
    buffer = io.BytesIO()
    np.save(buffer, picture, allow_pickle=False)
    default_storage.save(name, ContentFile(buffer.getvalue()))
    return picture


def load_samples(samples: Sequence[Sample], config: FeatureConfig) -> NDArray[np.float32]:
    """The features (N, 3, size, size) of samples, in their order."""
    return np.stack([sample_features(sample, config) for sample in samples])
