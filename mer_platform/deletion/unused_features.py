"""The motion features that only certain runs need.

Features are a cache that is shared by content: runs, feature sets, exports and scores of any project use the same files. A
file that is removed by mistake is computed again, which takes time, so what anything else refers to stays.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from mer_platform.clips.models import content_key
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.deletion.kinds import feature_settings, features_of
from mer_platform.experiments.models import Run
from mer_platform.features.models import FeatureRange
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from models_ml.config import FeatureConfig

Setting = tuple[FeatureConfig, int]  # with the shift of the apex


def unused_ranges(runs: "QuerySet[Run]") -> "QuerySet[FeatureRange]":
    """Return the ranges that these runs waited for or used, and no other run does."""
    same = {"features_hash": OuterRef("config_hash"), "apex_jitter": OuterRef("apex_jitter")}
    same["version"] = OuterRef("version")
    ids = runs.order_by().values("pk")
    others = Run.objects.exclude(pk__in=ids).filter(**same)
    return FeatureRange.objects.filter(Exists(runs.order_by().filter(**same)), ~Exists(others))


def unused_features(runs: "QuerySet[Run]") -> set[str]:
    """Return the names of the stored features that nothing needs without these runs."""
    doomed: dict[int, set[tuple[str, int]]] = defaultdict(set)
    columns = ("version", "config_hash", "apex_jitter")
    for version, config_hash, jitter in unused_ranges(runs).order_by().values_list(*columns).distinct():
        doomed[version].add((config_hash, jitter))
    names: set[str] = set()
    for version in CompositeVersion.objects.filter(pk__in=doomed):
        wanted = feature_settings(version)
        going = [wanted[key] for key in doomed[version.pk] if key in wanted]
        names |= _names(version, going)
    if not names:
        return names
    hashes = {config_hash for keys in doomed.values() for config_hash, _ in keys}
    return names - _needed_by_versions(doomed, hashes) - _needed_by_scores(doomed, hashes)


def _names(version: CompositeVersion, wanted: Iterable[Setting]) -> set[str]:
    samples = version.samples.filter(clip__isnull=False).order_by()
    columns = ("content_sha256", "clip__turn", "onset", "apex", "offset")
    settings = list(wanted)
    return {
        needed.entry
        for sha256, turn, onset, apex, offset in samples.values_list(*columns)
        for needed in features_of(content_key(sha256, turn), onset, apex, offset, settings)
    }


def _needed_by_versions(doomed: dict[int, set[tuple[str, int]]], hashes: set[str]) -> set[str]:
    """Return the features of these configurations that versions with the same clips need."""
    contents = Sample.objects.filter(version__in=doomed, clip__isnull=False).values("content_sha256")
    others = Sample.objects.filter(content_sha256__in=contents).order_by().values("version")
    found: set[str] = set()
    for version in CompositeVersion.objects.filter(pk__in=others):
        gone = doomed.get(version.pk, set())
        kept = feature_settings(version, without_ranges=gone)
        found |= _names(version, [setting for (key, _), setting in kept.items() if key in hashes])
    return found


def _needed_by_scores(doomed: dict[int, set[tuple[str, int]]], hashes: set[str]) -> set[str]:
    contents = Sample.objects.filter(version__in=doomed, clip__isnull=False).values("content_sha256")
    scored = ScoringItem.objects.filter(
        clip__sha256__in=contents,
        onset__isnull=False,
        apex__isnull=False,
        batch__model__features_hash__in=hashes,
    )
    return {
        needed.entry
        for item in scored.select_related("clip", "batch__model")
        if item.clip is not None
        for needed in features_of(
            item.clip.content_key, item.onset, item.apex, None, [(item.batch.model.settings.features, 0)]
        )
    }


def unused_after(batch: ScoringBatch) -> set[str]:
    """Return the names of the stored features that nothing needs without this batch."""
    config = batch.model.settings.features
    key = batch.model.features_hash
    marked = {"clip__isnull": False, "onset__isnull": False, "apex__isnull": False}
    items = list(batch.items.filter(**marked).select_related("clip"))
    names = {
        needed.entry
        for item in items
        if item.clip is not None
        for needed in features_of(item.clip.content_key, item.onset, item.apex, None, [(config, 0)])
    }
    same = ScoringItem.objects.filter(batch__model__features_hash=key, **marked).exclude(batch=batch)
    contents = batch.items.filter(**marked).values("clip__sha256")
    for item in same.filter(clip__sha256__in=contents).select_related("clip"):
        if item.clip is not None:
            mine = features_of(item.clip.content_key, item.onset, item.apex, None, [(config, 0)])
            names.difference_update(needed.entry for needed in mine)
    versions = Sample.objects.filter(content_sha256__in=contents).order_by().values("version")
    for version in CompositeVersion.objects.filter(pk__in=versions):
        wanted = [setting for (own, _), setting in feature_settings(version).items() if own == key]
        names -= _names(version, wanted)
    return names
