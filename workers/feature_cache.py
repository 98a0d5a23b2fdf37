"""Compute the features of samples once, and store them by content."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from mer_platform.clips.models import Clip
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.features.services import feature_name, moved_apex
from mer_platform.jobs.models import Claim
from mer_platform.storage import local_copy
from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.motion.clips import aligned_pairs
from models_ml.motion.features import AlignedPair, features_of_pairs, flow_device
from models_ml.motion.flow_pictures import picture_features
from models_ml.outages import raise_outage

SHOWN_PROBLEMS = 5
# Pairs whose flow is solved together: on a CPU as many as its caches hold, on a GPU more (``make bench NAME=features``).
AT_ONCE = {"cpu": 8, "cuda": 128}
Features = NDArray[np.float32]


@dataclass(frozen=True)
class FramePair:
    """The two frames of a clip from which features are computed."""

    clip: Clip
    onset: int
    apex: int

    @classmethod
    def of(cls, sample: Sample) -> "FramePair":
        """Return the frames of a sample; raise InputError if it has none."""
        if sample.is_withdrawn:
            raise InputError(
                f"Sample {sample.index} was withdrawn, and its recording is erased. Freeze a new version without it."
            )
        if sample.clip is None or sample.onset is None or sample.apex is None:
            raise InputError(
                "The sample has neither a clip with onset and apex nor a flow picture. Freeze the composite again."
            )
        return cls(sample.clip, sample.onset, sample.apex)

    def name(self, config: FeatureConfig) -> str:
        """Return the stored name of its features.

        The clip's pixels and the frames identify them; flow does not depend on the frame rate.
        """
        return feature_name(self.clip.content_key, self.onset, self.apex, config, flow_device())


@dataclass(frozen=True)
class Outcome:
    """Why samples have no features, by sample index, and how many features were added to the cache."""

    problems: dict[int, str]
    computed: int


def joined_problems(problems: Iterable[str]) -> str:
    """Return the first few problems as one text, with the number of the others."""
    problems = list(problems)
    more = f" (and {len(problems) - SHOWN_PROBLEMS} more)" if len(problems) > SHOWN_PROBLEMS else ""
    return "; ".join(problems[:SHOWN_PROBLEMS]) + more


def apex_variants(sample: Sample, jitter: int) -> list[Sample]:
    """Return the sample, and copies whose apex is ``jitter`` frames earlier and later."""
    return [sample, with_moved_apex(sample, -jitter), with_moved_apex(sample, jitter)] if jitter else [sample]


def with_moved_apex(sample: Sample, frames: int) -> Sample:
    """Return the sample with its apex moved within (onset, offset]; a flow picture stays as it is."""
    if sample.onset is None or sample.apex is None:
        return sample
    other = copy(sample)
    other.apex = moved_apex(sample.onset, sample.apex, sample.offset, frames)
    return other


def samples_in(version: CompositeVersion, span: Sequence[int]) -> list[Sample]:
    """Return the samples of a range of indices, end exclusive, with their clips and flow pictures."""
    start, end = span
    return list(version.samples.select_related("clip", "picture").filter(index__range=(start, end - 1)))


def progress_reporter(claim: Claim, total: int) -> Callable[[int], None]:
    """Return a function that reports how much of a job is done, and stops it if it was cancelled or lost."""

    def report(done: int) -> None:
        claim.check()
        claim.progress(done, total)

    return report


def compute(
    samples: Sequence[Sample],
    config: FeatureConfig,
    on_progress: Callable[[int], None] = lambda _done: None,
    keep_frames: Callable[[Sample, AlignedPair], None] | None = None,
) -> Outcome:
    """Compute and cache the samples' missing features; samples of one clip should follow each other.

    Parameters
    ----------
    on_progress
        Called with the number of samples done.
    keep_frames
        Called with the aligned frames of each sample that has a clip, also if its features are cached already.
    """
    problems: dict[int, str] = {}
    missing: list[tuple[Sample, AlignedPair]] = []
    computed = 0
    for done, (sample, pair) in enumerate(
        _pairs(samples, config, everything=keep_frames is not None), start=1
    ):
        if isinstance(pair, InputError):
            raise_outage(pair)
            problems[sample.index] = str(pair)
        elif pair is not None:
            if keep_frames is not None:
                keep_frames(sample, pair)
            if not default_storage.exists(FramePair.of(sample).name(config)):
                missing.append((sample, pair))
                computed += 1
        if len(missing) == AT_ONCE[flow_device()]:
            _solve(missing, config)
            missing = []
        on_progress(done)
    _solve(missing, config)
    return Outcome(problems, computed)


def sample_features(sample: Sample, config: FeatureConfig) -> Features:
    """Return the features (3, size, size) of a sample, from its clip or its flow picture. Raises InputError."""
    if sample.picture is not None:
        with default_storage.open(sample.picture.file) as file:
            return picture_features(file.read(), config.size)
    return _load_or_compute(FramePair.of(sample), config)


def load_or_compute(clip: Clip, onset: int, apex: int, config: FeatureConfig) -> Features:
    """Return the features (3, size, size) of a clip between two frames, from the cache or computed now.

    Raises InputError that names the frame if it shows no face or does not exist.
    """
    return _load_or_compute(FramePair(clip, onset, apex), config)


def load_samples(samples: Sequence[Sample], config: FeatureConfig) -> Features:
    """Return the features (N, 3, size, size) of samples, in their order."""
    return np.stack([sample_features(sample, config) for sample in samples])


def _load_or_compute(frames: FramePair, config: FeatureConfig) -> Features:
    name = frames.name(config)
    if (known := load_features(name)) is not None:
        return known
    with local_copy(frames.clip.file) as path:
        marks = [(frames.onset, frames.apex)]
        _, pair = next(aligned_pairs(path, marks, config, fps=frames.clip.fps_given, turn=frames.clip.turn))
    if isinstance(pair, InputError):
        raise pair
    features = features_of_pairs([pair], config, flow_device())[0]
    store_features(name, features)
    return features


def _pairs(
    samples: Sequence[Sample], config: FeatureConfig, everything: bool
) -> Iterator[tuple[Sample, AlignedPair | InputError | None]]:
    """Yield each sample with its aligned frames, or the reason why it has none, or None if nothing is missing.

    A clip is decoded once for all of its samples that follow each other.
    """
    for _, group in groupby(samples, key=lambda sample: (sample.clip_id, sample.picture_id)):
        wanted = []
        for sample in group:
            if sample.picture is not None:
                yield sample, _problem_of_picture(sample, config)
            elif everything or not default_storage.exists(FramePair.of(sample).name(config)):
                wanted.append((sample, FramePair.of(sample)))
            else:
                yield sample, None
        if wanted:
            clip = wanted[0][1].clip
            with local_copy(clip.file) as path:
                marks = [(frames.onset, frames.apex) for _, frames in wanted]
                for position, pair in aligned_pairs(path, marks, config, fps=clip.fps_given, turn=clip.turn):
                    yield wanted[position][0], pair


def _problem_of_picture(sample: Sample, config: FeatureConfig) -> InputError | None:
    try:
        sample_features(sample, config)
    except InputError as error:
        raise_outage(error)
        return error
    return None


def _solve(pairs: Sequence[tuple[Sample, AlignedPair]], config: FeatureConfig) -> None:
    solved = features_of_pairs([pair for _, pair in pairs], config, flow_device())
    for (sample, _), features in zip(pairs, solved, strict=True):
        store_features(FramePair.of(sample).name(config), features)


def load_features(name: str) -> Features | None:
    """Return stored features, or None if they are not stored, or not completely."""
    try:
        with default_storage.open(name) as file:
            features: Features = np.load(io.BytesIO(file.read()), allow_pickle=False)
    except (FileNotFoundError, ValueError, EOFError):
        return None
    return features


def store_features(name: str, features: Features) -> None:
    """Store features under their name."""
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    default_storage.save(name, ContentFile(buffer.getvalue()))
