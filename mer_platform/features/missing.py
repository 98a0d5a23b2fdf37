"""Which features of a version's samples are still to be computed, and how long that takes.

A form asks this on every change. So it is told from what the database says was done, in a few queries whatever the
number of samples, and not from the cache itself, where an object store may take a request a file.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.db.models.functions import Left

from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.experiments.models import Run
from mer_platform.features.models import FeatureSet
from mer_platform.features.services import QUEUE, moved_apex
from mer_platform.jobs.models import Job
from models_ml.config import FeatureConfig

HASH = 12  # hexadecimal digits of a configuration in a features key
# Seconds a picture on one core of a server, measured: decoding a clip of 640×480 up to the apex and finding the face, then
# the flow on a crop of 128 pixels; it grows with the crop's area.
READING = 0.1
FLOW = {"tvl1": 0.013, "farneback": 0.006, "dis": 0.005}
CROP = 128
MEASURED_JOBS = 50  # the latest ones that computed something tell the pace
ENOUGH_PICTURES = 16

Picture = tuple[str, int, int]  # what one picture of motion is computed of: SHA-256 of a clip, onset, apex
Row = tuple[int, str, int, int, int | None]  # a sample of a clip: index, SHA-256, onset, apex, offset


@dataclass(frozen=True)
class Missing:
    """What is to be computed before training can begin.

    samples : that lack a picture; pictures : that they lack, under all settings and with moved apexes
    seconds : of one worker; basis : where their pace comes from, as a sentence, empty if none is missing
    """

    samples: int
    pictures: int
    seconds: float
    basis: str


@dataclass(frozen=True)
class Done:
    """Samples of a version whose features were computed: of indices ``start`` to ``end``, exclusive, but for ``without``."""

    version: int
    jitter: int
    start: int = 0
    end: float = float("inf")
    without: frozenset[int] = frozenset()

    def pictures(self, rows: Iterable[Row]) -> Iterator[Picture]:
        for row in rows:
            if self.start <= row[0] < self.end and row[0] not in self.without:
                yield from _pictures(row, [self.jitter])


def features_key(config: FeatureConfig, apex_jitter: int) -> str:
    """Runs of a version with the same key see the same pictures."""
    return config.content_hash()[:HASH] + (f"-j{apex_jitter}" if apex_jitter else "")


def missing_features(
    version: CompositeVersion, samples: Sequence[Sample], wanted: Iterable[tuple[FeatureConfig, int]]
) -> Missing:
    """What the samples of a version lack of features under the wanted configurations, each with its apex jitter.

    A flow picture of somebody else's making lacks nothing. What another experiment computes at this moment is missing
    until it is there. Pictures by a GPU and by a CPU, which are cached apart, are not told apart here.
    """
    rows: list[Row] = [
        (s.index, s.content_sha256, s.onset, s.apex, s.offset)
        for s in samples
        if s.clip_id is not None and s.onset is not None and s.apex is not None
    ]
    configs: dict[str, FeatureConfig] = {}
    jitters: dict[str, set[int]] = defaultdict(set)
    for config, jitter in set(wanted):
        key = config.content_hash()
        configs[key] = config
        jitters[key].add(jitter)
    lacking = {key: {p for row in rows for p in _pictures(row, jitters[key])} for key in configs}
    if rows:
        done = _done(lacking)
        _strike(lacking, done, {version.pk: rows})
        others = {found.version for key in lacking if lacking[key] for found in done[key]} - {version.pk}
        if others:
            _strike(lacking, done, _rows(others, version))
    lacking = {key: pictures for key, pictures in lacking.items() if pictures}
    if not lacking:
        return Missing(0, 0, 0.0, "")
    pace, basis = _pace()
    return Missing(
        samples=sum(
            any(p in lacking[key] for key in lacking for p in _pictures(row, jitters[key])) for row in rows
        ),
        pictures=sum(map(len, lacking.values())),
        seconds=pace * sum(len(lacking[key]) * _work(configs[key].model_dump()) for key in lacking),
        basis=basis,
    )


def _pictures(row: Row, jitters: Iterable[int]) -> Iterator[Picture]:
    """What is computed of a sample: its picture, and for each jitter those with the apex moved back and forth."""
    _, sha256, onset, apex, offset = row
    yield sha256, onset, apex
    for jitter in jitters:
        for by in (-jitter, jitter) if jitter else ():
            yield sha256, onset, moved_apex(onset, apex, offset, by)


def _strike(
    lacking: Mapping[str, set[Picture]], done: Mapping[str, list[Done]], rows: Mapping[int, list[Row]]
) -> None:
    """Take what was done in the given versions out of what is lacking, by configuration."""
    for key, missing in lacking.items():
        for found in done[key]:
            if missing and found.version in rows:
                missing.difference_update(found.pictures(rows[found.version]))


def _done(keys: Iterable[str]) -> dict[str, list[Done]]:
    """What was computed under each configuration, in any version: the cache is one for all."""
    done: dict[str, list[Done]] = {key: [] for key in keys}
    whole_key = {key[:HASH]: key for key in done}

    def note(features_key: str, version: int, start: int = 0, end: float = float("inf")) -> None:
        config, _, jitter = features_key.partition("-j")
        done[whole_key[config]].append(Done(version, int(jitter or 0), start, end))

    runs = Run.objects.annotate(config_key=Left("features_key", HASH)).filter(config_key__in=whole_key)
    told = list(
        runs.order_by()
        .values_list("features_key", "version", "experiment")
        .annotate(begun=Count("training_started_at"))
    )
    whole = {(key, version) for key, version, _, begun in told if begun}  # who trains has all features
    for key, version in whole:
        note(key, version)
    in_parts = {
        (experiment, key): version for key, version, experiment, _ in told if (key, version) not in whole
    }
    groups = [f"experiment:{experiment}" for experiment, _ in in_parts]
    jobs = Job.objects.filter(group__in=groups, kind="features", state=Job.State.DONE)
    for payload in jobs.values_list("payload", flat=True) if groups else ():
        key = payload["features_key"]
        if (payload["experiment"], key) in in_parts:
            note(key, in_parts[payload["experiment"], key], *payload["samples"])
    there = [FeatureSet.State.COMPARING, FeatureSet.State.READY]
    sets = FeatureSet.objects.filter(config_hash__in=done, state__in=there)
    for key, version, problems in sets.values_list("config_hash", "version", "problems"):
        done[key].append(Done(version, 0, without=frozenset(map(int, problems))))
    return done


def _rows(versions: Iterable[int], version: CompositeVersion) -> dict[int, list[Row]]:
    """Of other versions, the samples of clips that this version has as well."""
    found: dict[int, list[Row]] = defaultdict(list)
    same_clips = Sample.objects.filter(
        version__in=versions, clip__isnull=False, content_sha256__in=version.samples.values("content_sha256")
    )
    columns = ("version", "index", "content_sha256", "onset", "apex", "offset")
    for number, *row in same_clips.order_by().values_list(*columns):
        found[number].append(tuple(row))
    return found


def _work(config: Mapping[str, Any]) -> float:
    """Seconds that a picture takes where nothing was measured; what was measured is told as a multiple of it."""
    area = (config.get("crop_size", CROP) / CROP) ** 2
    return READING + FLOW.get(config.get("flow", ""), FLOW["tvl1"]) * area


def _pace() -> tuple[float, str]:
    """How many times ``_work`` a picture took in the latest jobs, and what that was told from."""
    done = Job.objects.filter(queue=QUEUE, kind="features", state=Job.State.DONE, payload__computed__gt=0)
    seconds = work = 0.0
    pictures = 0
    latest = done.order_by("-pk").values_list("payload", "started_at", "finished_at")
    for payload, began, ended in latest[:MEASURED_JOBS]:
        seconds += (ended - began).total_seconds() if began and ended else 0.0
        work += payload["computed"] * _work(payload["config"])
        pictures += payload["computed"]
    if pictures < ENOUGH_PICTURES:
        return 1.0, "Hardly any features were computed here yet: their time is a rough guess."
    return seconds / work, f"Features by the pace of the latest {pictures:,} pictures here."
