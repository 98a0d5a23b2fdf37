"""Which flow images of a version's samples are still to be computed, and how long that takes.

A form asks this on every change. So it asks the database, in a few queries however many samples there are, and not the
cache itself, where an object store may take one request per file.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.features.models import FeatureRange, FeatureSet
from mer_platform.features.services import moved_apex
from models_ml.config import FeatureConfig

# Seconds per flow image, measured on one core of a server: decoding a clip of 640×480 up to the apex and finding the face,
# then the flow on a crop of 128 pixels, which grows with the area of the crop.
READING = 0.1
FLOW = {"tvl1": 0.013, "farneback": 0.006, "dis": 0.005}
CROP = 128
MEASURED_JOBS = 50  # the latest ones that computed something determine the pace
ENOUGH_IMAGES = 16


class FramePair(NamedTuple):
    """The two frames of a clip that one flow image is computed from."""

    sha256: str
    onset: int
    apex: int


class SampleFrames(NamedTuple):
    """What a sample's flow images are computed from."""

    sha256: str
    onset: int
    apex: int
    offset: int | None

    def frame_pairs(self, jitters: Iterable[int]) -> Iterator[FramePair]:
        """The sample's own pair and, for each jitter, the pairs with the apex that much earlier and later."""
        yield FramePair(self.sha256, self.onset, self.apex)
        for jitter in jitters:
            for frames in (-jitter, jitter) if jitter else ():
                apex = moved_apex(self.onset, self.apex, self.offset, frames)
                yield FramePair(self.sha256, self.onset, apex)


class ComputedSamples(NamedTuple):
    """Samples of a version whose flow images were computed: those with the given indices (None: all), except some."""

    config_hash: str
    version: int
    jitter: int = 0
    indices: range | None = None
    without: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Missing:
    """What is to be computed before training can start.

    samples : samples with a missing flow image; images : missing images, for all settings and moved apexes
    seconds : of one worker; basis : where the pace comes from, as a sentence, empty if nothing is missing
    """

    samples: int
    images: int
    seconds: float
    basis: str


def missing_features(
    version: CompositeVersion, samples: Sequence[Sample], wanted: Iterable[tuple[FeatureConfig, int]]
) -> Missing:
    """Return what is missing for the samples of a version, under the wanted configurations, each with its apex jitter.

    An imported flow picture is complete as it is. What another experiment is computing counts as missing until it is done.
    Images made by a GPU and by a CPU are cached separately, but are counted together here.
    """
    own = [
        SampleFrames(s.content_sha256, s.onset, s.apex, s.offset)
        for s in samples
        if s.clip_id is not None and s.onset is not None and s.apex is not None
    ]
    jitters: dict[FeatureConfig, set[int]] = defaultdict(set)
    for config, jitter in wanted:
        jitters[config].add(jitter)
    computed = _computed_pairs(version, [config.content_hash() for config in jitters])
    missing: dict[FeatureConfig, set[FramePair]] = {}
    incomplete: set[int] = set()
    for config, apexes in jitters.items():
        done = computed[config.content_hash()]
        missing_pairs = [set(frames.frame_pairs(apexes)) - done for frames in own]
        incomplete.update(number for number, pairs in enumerate(missing_pairs) if pairs)
        if pairs := set().union(*missing_pairs):
            missing[config] = pairs
    if not missing:
        return Missing(0, 0, 0.0, "")
    pace, basis = _pace()
    return Missing(
        samples=len(incomplete),
        images=sum(map(len, missing.values())),
        seconds=pace
        * sum(
            len(pairs) * _expected_seconds(config.flow, config.crop_size) for config, pairs in missing.items()
        ),
        basis=basis,
    )


def _computed_pairs(version: CompositeVersion, hashes: Sequence[str]) -> dict[str, set[FramePair]]:
    """The pairs of the version's clips that were computed under each configuration, for this version or any other."""
    computed = [*_computed_for_runs(hashes), *_computed_for_pages(hashes)]
    frames = _frames_by_version({part.version for part in computed}, version)
    found: dict[str, set[FramePair]] = defaultdict(set)
    for part in computed:
        own = frames[part.version]
        indices = own.keys() if part.indices is None else own.keys() & set(part.indices)
        for index in indices - part.without:
            found[part.config_hash].update(own[index].frame_pairs([part.jitter]))
    return found


def _computed_for_runs(hashes: Sequence[str]) -> Iterator[ComputedSamples]:
    columns = ("config_hash", "version", "apex_jitter", "start", "end")
    ranges = FeatureRange.objects.computed().filter(config_hash__in=hashes).order_by()
    # Experiments on one version compute the same ranges: one of each is enough.
    for config_hash, version, jitter, start, end in ranges.values_list(*columns).distinct():
        yield ComputedSamples(config_hash, version, jitter, range(start, end))


def _computed_for_pages(hashes: Sequence[str]) -> Iterator[ComputedSamples]:
    there = [FeatureSet.State.COMPARING, FeatureSet.State.READY]
    sets = FeatureSet.objects.filter(config_hash__in=hashes, state__in=there)
    for config_hash, version, problems in sets.values_list("config_hash", "version", "problems"):
        yield ComputedSamples(config_hash, version, without=frozenset(map(int, problems)))


def _frames_by_version(versions: set[int], version: CompositeVersion) -> dict[int, dict[int, SampleFrames]]:
    """The samples of other versions, by index, that are of a clip which this version has as well."""
    found: dict[int, dict[int, SampleFrames]] = defaultdict(dict)
    samples = Sample.objects.filter(
        version__in=versions, clip__isnull=False, content_sha256__in=version.samples.values("content_sha256")
    )
    columns = ("version", "index", "content_sha256", "onset", "apex", "offset")
    for number, index, *marks in samples.order_by().values_list(*columns):
        found[number][index] = SampleFrames(*marks)
    return found


def _expected_seconds(flow: str, crop_size: int) -> float:
    """Return the seconds for one flow image where nothing was measured."""
    return READING + FLOW.get(flow, FLOW["tvl1"]) * (crop_size / CROP) ** 2


def _pace() -> tuple[float, str]:
    """Return how many times ``_expected_seconds`` an image took in the latest jobs, and where that comes from."""
    measured = FeatureRange.objects.filter(images_computed__gt=0, seconds__isnull=False).order_by("-pk")
    seconds = expected = 0.0
    images = 0
    columns = ("images_computed", "seconds", "config__flow", "config__crop_size")
    for count, spent, flow, crop_size in measured.values_list(*columns)[:MEASURED_JOBS]:
        images += count
        seconds += spent
        expected += count * _expected_seconds(flow, crop_size or CROP)
    if images < ENOUGH_IMAGES:
        return 1.0, "Few features have been computed here yet, so their time is a rough guess."
    return seconds / expected, f"Feature time is based on the last {images:,} flow images computed here."
