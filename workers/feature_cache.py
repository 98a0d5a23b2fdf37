"""The features of samples, computed once and stored by content."""

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
from mer_platform.features.services import moved_apex
from mer_platform.jobs.models import Claim
from mer_platform.storage import local_copy
from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.motion.clips import aligned_pairs
from models_ml.motion.features import AlignedPair, feature_key, features_of_pairs, flow_device
from models_ml.motion.flow_pictures import picture_features

SHOWN_PROBLEMS = 5
AT_ONCE = {"cpu": 8, "cuda": 128}  # pairs whose flow is solved together
Features = NDArray[np.float32]


@dataclass(frozen=True)
class FramePair:
    """What features are computed of: two frames of a clip."""

    clip: Clip
    onset: int
    apex: int

    @classmethod
    def of(cls, sample: Sample) -> "FramePair":
        if sample.clip is None or sample.onset is None or sample.apex is None:
            raise InputError("It has neither a clip with onset and apex nor a flow picture.")
        return cls(sample.clip, sample.onset, sample.apex)

    def name(self, config: FeatureConfig) -> str:
        """Where its features are kept. The bytes and the frames are the identity; flow does not depend on the rate."""
        key = feature_key(self.clip.sha256, self.onset, self.apex, config, flow_device())
        return f"features/{key[:2]}/{key}.npy"


@dataclass(frozen=True)
class Outcome:
    """Why samples have no features, by their index; how many pictures were not in the cache, and are now."""

    problems: dict[int, str]
    computed: int


def joined_problems(problems: Iterable[str]) -> str:
    """Return the first few problems as one text, with the number of the others."""
    problems = list(problems)
    more = f" (and {len(problems) - SHOWN_PROBLEMS} more)" if len(problems) > SHOWN_PROBLEMS else ""
    return "; ".join(problems[:SHOWN_PROBLEMS]) + more


def variants(sample: Sample, jitter: int) -> list[Sample]:
    """The sample, and the same with its apex ``jitter`` frames earlier and later."""
    return [sample, moved(sample, -jitter), moved(sample, jitter)] if jitter else [sample]


def moved(sample: Sample, frames: int) -> Sample:
    """The sample with its apex moved, within (onset, offset]; a flow picture has nothing that could be moved."""
    if sample.onset is None or sample.apex is None:
        return sample
    other = copy(sample)
    other.apex = moved_apex(sample.onset, sample.apex, sample.offset, frames)
    return other


def samples_in(version: CompositeVersion, span: Sequence[int]) -> list[Sample]:
    """The samples of a range of indices, end exclusive, with what their features are made of."""
    start, end = span
    return list(version.samples.select_related("clip", "picture").filter(index__range=(start, end - 1)))


def progress_of(claim: Claim, total: int) -> Callable[[int], None]:
    """Says how far a job is, and stops it where it was cancelled or lost."""

    def tell(done: int) -> None:
        claim.check()
        claim.progress(done, total)

    return tell


def compute(
    samples: Sequence[Sample],
    config: FeatureConfig,
    tell: Callable[[int], None] = lambda _done: None,
    keep: Callable[[Sample, AlignedPair], None] | None = None,
) -> Outcome:
    """Compute and cache what is missing of the samples' features; samples of one clip should follow each other.

    Parameters
    ----------
    tell
        Called with the number of samples done.
    keep
        Called with the aligned frames of every sample of a clip, also where the features are there already.
    """
    problems: dict[int, str] = {}
    missing: list[tuple[Sample, AlignedPair]] = []
    computed = 0
    for done, (sample, pair) in enumerate(_pairs(samples, config, everything=keep is not None), start=1):
        if isinstance(pair, InputError):
            problems[sample.index] = str(pair)
        elif pair is not None:
            if keep is not None:
                keep(sample, pair)
            if not default_storage.exists(FramePair.of(sample).name(config)):
                missing.append((sample, pair))
                computed += 1
        if len(missing) == AT_ONCE[flow_device()]:
            _solve(missing, config)
            missing = []
        tell(done)
    _solve(missing, config)
    return Outcome(problems, computed)


def sample_features(sample: Sample, config: FeatureConfig) -> Features:
    """The flow picture (3, size, size) of a sample: computed from its clip, or the one it came as. Raises InputError."""
    if sample.picture is not None:
        with default_storage.open(sample.picture.file) as file:
            return picture_features(file.read(), config.size)
    return _load_or_compute(FramePair.of(sample), config)


def load_or_compute(clip: Clip, onset: int, apex: int, config: FeatureConfig) -> Features:
    """The flow picture (3, size, size) of a clip between two frames, from the cache or made now.

    Raises InputError with the frame in question where there is no face or no such frame.
    """
    return _load_or_compute(FramePair(clip, onset, apex), config)


def load_samples(samples: Sequence[Sample], config: FeatureConfig) -> Features:
    """The features (N, 3, size, size) of samples, in their order."""
    return np.stack([sample_features(sample, config) for sample in samples])


def _load_or_compute(wanted: FramePair, config: FeatureConfig) -> Features:
    name = wanted.name(config)
    if default_storage.exists(name):
        with default_storage.open(name) as file:
            return np.load(io.BytesIO(file.read()), allow_pickle=False)
    with local_copy(wanted.clip.file) as path:
        marks = [(wanted.onset, wanted.apex)]
        _, pair = next(aligned_pairs(path, marks, config, fps=wanted.clip.fps_given))
    if isinstance(pair, InputError):
        raise pair
    picture = features_of_pairs([pair], config, flow_device())[0]
    _store(name, picture)
    return picture


def _pairs(
    samples: Sequence[Sample], config: FeatureConfig, everything: bool
) -> Iterator[tuple[Sample, AlignedPair | InputError | None]]:
    """Each sample with its aligned frames, why there are none, or None where nothing is to be computed.

    A clip is decoded once for all of its samples that follow each other.
    """
    for _, group in groupby(samples, key=lambda sample: (sample.clip_id, sample.picture_id)):
        wanted = []
        for sample in group:
            if sample.picture is not None:
                yield sample, _checked_picture(sample, config)
            elif everything or not default_storage.exists(FramePair.of(sample).name(config)):
                wanted.append((sample, FramePair.of(sample)))
            else:
                yield sample, None
        if wanted:
            clip = wanted[0][1].clip
            with local_copy(clip.file) as path:
                marks = [(expression.onset, expression.apex) for _, expression in wanted]
                for place, pair in aligned_pairs(path, marks, config, fps=clip.fps_given):
                    yield wanted[place][0], pair


def _checked_picture(sample: Sample, config: FeatureConfig) -> InputError | None:
    try:
        sample_features(sample, config)
    except InputError as error:
        return error
    return None


def _solve(pairs: Sequence[tuple[Sample, AlignedPair]], config: FeatureConfig) -> None:
    pictures = features_of_pairs([pair for _, pair in pairs], config, flow_device())
    for (sample, _), picture in zip(pairs, pictures, strict=True):
        _store(FramePair.of(sample).name(config), picture)


def _store(name: str, picture: Features) -> None:
    buffer = io.BytesIO()
    np.save(buffer, picture, allow_pickle=False)
    default_storage.save(name, ContentFile(buffer.getvalue()))
