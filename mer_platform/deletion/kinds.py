"""The kinds of stored files: how they are named, and which rows refer to them.

An *entry* is the name of a file. With ``*`` at its end, it stands for all files whose names start so: flow layers are
computed between any two frames of a clip, so their names cannot be listed from rows.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.db.models import Q, QuerySet
from pydantic import ValidationError

from mer_platform.clips.models import Clip, FlowPicture, content_key
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Attribution, FoldWeights, Run
from mer_platform.exports.models import FeatureExport, PaperBundle
from mer_platform.features.models import FeatureRange, FeatureSet
from mer_platform.features.services import feature_name, moved_apex
from mer_platform.imports.models import Import
from mer_platform.registry.models import ModelExport, ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.uploads.models import Upload
from models_ml.config import FeatureConfig
from models_ml.motion.feature_keys import DEVICES


@dataclass(frozen=True)
class Holdings:
    """Rows that refer to files: all of the platform, or those that a deletion removes."""

    clips: QuerySet[Clip]
    pictures: QuerySet[FlowPicture]
    scores: QuerySet[ScoringItem]
    versions: QuerySet[CompositeVersion] = field(default_factory=CompositeVersion.objects.none)
    imports: QuerySet[Import] = field(default_factory=Import.objects.none)
    runs: QuerySet[Run] = field(default_factory=Run.objects.none)
    bundles: QuerySet[PaperBundle] = field(default_factory=PaperBundle.objects.none)
    uploads: QuerySet[Upload] = field(default_factory=Upload.objects.none)
    batches: QuerySet[ScoringBatch] = field(default_factory=ScoringBatch.objects.none)
    imported_models: QuerySet[ModelVersion] = field(default_factory=ModelVersion.objects.none)
    skip: frozenset[str] = frozenset()  # SHA-256 of the clips whose features are left out

    @classmethod
    def everything(cls) -> "Holdings":
        return cls(
            Clip.objects.all(),
            FlowPicture.objects.all(),
            ScoringItem.objects.all(),
            CompositeVersion.objects.all(),
            Import.objects.all(),
            Run.objects.all(),
            PaperBundle.objects.all(),
            Upload.objects.all(),
            ScoringBatch.objects.all(),
            ModelVersion.objects.filter(run__isnull=True),
        )


@dataclass(frozen=True)
class Needed:
    """An entry that rows refer to. ``by``: the row that cannot be used without the file; empty if it can."""

    entry: str
    by: str = ""


@dataclass(frozen=True)
class FileKind:
    """Files of one purpose, in one folder of the storage."""

    folder: str
    title: str
    pattern: re.Pattern[
        str
    ]  # of the names that the platform gives; its group, if any, is the start of the entry
    needed: Callable[[Holdings], Iterator[Needed]]
    used: Callable[[Collection[str]], set[str]]  # which of these entries rows refer to

    def entry(self, name: str) -> str | None:
        """Return the entry that covers a stored file, or None for a file that the platform did not name."""
        match = self.pattern.fullmatch(name)
        if match is None:
            return None
        return f"{match[1]}*" if match.re.groups else name


def kind_of(entry: str) -> FileKind:
    """Return the kind of an entry. Raises KeyError for another folder."""
    return KINDS[entry.partition("/")[0]]


def _clips(rows: Holdings) -> Iterator[Needed]:
    for clip in rows.clips.select_related("subject__database").iterator():
        yield Needed(clip.file, str(clip))


def _packs(rows: Holdings) -> Iterator[Needed]:
    for clip in rows.clips.select_related("subject__database").iterator():
        by = str(clip) if clip.state == Clip.State.READY else ""
        yield from (Needed(name, by) for name in clip.pack_names)


def _packs_used(names: Collection[str]) -> set[str]:
    hashes = {PurePosixPath(name).name[:64] for name in names}
    same = Clip.objects.filter(sha256__in=hashes)
    return {name for clip in same for name in clip.pack_names}.intersection(names)


def _layers(rows: Holdings) -> Iterator[Needed]:
    for sha256 in rows.clips.order_by().values_list("sha256", flat=True).distinct().iterator():
        yield Needed(f"layers/{sha256[:2]}/{sha256}-*")


def _layers_used(entries: Collection[str]) -> set[str]:
    by_hash = {PurePosixPath(entry).name[:64]: entry for entry in entries}
    known = Clip.objects.filter(sha256__in=by_hash).values_list("sha256", flat=True)
    return {by_hash[sha256] for sha256 in known}


def _features(rows: Holdings) -> Iterator[Needed]:
    """Yield the cached features of versions and scores, on each kind of device; they are computed again if missing."""
    for version in rows.versions.iterator():
        wanted = list(feature_settings(version).values())
        if not wanted:
            continue
        samples = version.samples.filter(clip__isnull=False).order_by()
        columns = ("content_sha256", "clip__turn", "onset", "apex", "offset")
        for sha256, turn, onset, apex, offset in samples.values_list(*columns):
            if sha256 not in rows.skip:
                yield from features_of(content_key(sha256, turn), onset, apex, offset, wanted)
    scored = rows.scores.filter(clip__isnull=False, onset__isnull=False, apex__isnull=False)
    for item in scored.select_related("clip", "batch__model").iterator():
        if item.clip is not None and item.clip.sha256 not in rows.skip:
            config = item.batch.model.settings.features
            yield from features_of(item.clip.content_key, item.onset, item.apex, None, [(config, 0)])


def feature_settings(
    version: CompositeVersion, without_ranges: Collection[tuple[str, int]] = ()
) -> dict[tuple[str, int], tuple[FeatureConfig, int]]:
    """Return the configurations under which a version's features were requested, each with its shift of the apex.

    The key has the configuration's hash instead. ``without_ranges``: keys that do not count if only runs requested them.
    """
    ranges = FeatureRange.objects.filter(version=version).order_by()
    stored: dict[tuple[str, int], object] = {}
    for config_hash, jitter, config in ranges.values_list("config_hash", "apex_jitter", "config"):
        if (config_hash, jitter) not in without_ranges:
            stored[config_hash, jitter] = config
    for rows in (FeatureSet.objects.filter(version=version), FeatureExport.objects.filter(version=version)):
        stored |= {
            (config_hash, 0): config for config_hash, config in rows.values_list("config_hash", "config")
        }
    found = {}
    for (config_hash, jitter), config in stored.items():
        try:
            found[config_hash, jitter] = FeatureConfig.model_validate(config), jitter
        except ValidationError:  # stored by an earlier version; such features are not read now
            continue
    return found


def features_of(
    content: str,
    onset: int | None,
    apex: int | None,
    offset: int | None,
    wanted: list[tuple[FeatureConfig, int]],
) -> Iterator[Needed]:
    if onset is None or apex is None:
        return
    for config, jitter in wanted:
        for at in {moved_apex(onset, apex, offset, frames) for frames in (0, -jitter, jitter)} | {apex}:
            for device in DEVICES if config.flow == "tvl1" else DEVICES[:1]:
                yield Needed(feature_name(content, onset, at, config, device))


def _never_used(_entries: Collection[str]) -> set[str]:
    """Answer for what belongs to one row, and for features: a deletion leaves out those of clips with the same bytes."""
    return set()


def _feature_sets(rows: Holdings) -> Iterator[Needed]:
    for found in FeatureSet.objects.filter(version__in=rows.versions).select_related("version").iterator():
        yield Needed(f"{found.image_folder}/*")


def _pictures(rows: Holdings) -> Iterator[Needed]:
    for picture in rows.pictures.select_related("subject__database").iterator():
        yield Needed(picture.file, str(picture))


def _models(rows: Holdings) -> Iterator[Needed]:
    for models in (ModelVersion.objects.filter(run__in=rows.runs), rows.imported_models):
        for model in models.exclude(file="").select_related("run").iterator():
            yield Needed(model.file, str(model))
        for export in (
            ModelExport.objects.filter(model__in=models).exclude(file="").select_related("model__run")
        ):
            yield Needed(export.file, str(export))


def _models_used(names: Collection[str]) -> set[str]:
    return _by_file(ModelVersion)(names) | _by_file(ModelExport)(names)


def _weights(rows: Holdings) -> Iterator[Needed]:
    kept = FoldWeights.objects.filter(fold__run__in=rows.runs)
    for weights in kept.select_related("fold__run").iterator():
        yield Needed(weights.file, str(weights))


def _attributions(rows: Holdings) -> Iterator[Needed]:
    found = Attribution.objects.filter(run__in=rows.runs).exclude(file="")
    for attribution in found.select_related("run").defer("summary").iterator():
        yield Needed(attribution.file, str(attribution))


def _exports(rows: Holdings) -> Iterator[Needed]:
    found = FeatureExport.objects.filter(version__in=rows.versions).exclude(file="")
    for export in found.select_related("version__composite").iterator():
        yield Needed(export.file, str(export))
    for bundle in rows.bundles.exclude(file="").iterator():
        yield Needed(bundle.file, str(bundle))


def _exports_used(names: Collection[str]) -> set[str]:
    return _by_file(FeatureExport)(names) | _by_file(PaperBundle)(names)


def _sheets(rows: Holdings) -> Iterator[Needed]:
    for batch in rows.imports.iterator():
        by = str(batch) if batch.active or batch.state == Import.State.CHECKED else ""
        for name in (batch.source, batch.sheet):
            if name.startswith("sheets/"):
                yield Needed(name, by)


def _sheets_used(names: Collection[str]) -> set[str]:
    found = Import.objects.filter(Q(sheet__in=names) | Q(source__in=names)).values_list("sheet", "source")
    return {name for pair in found for name in pair}.intersection(names)


def _uploads(rows: Holdings) -> Iterator[Needed]:
    for upload in rows.uploads.iterator():
        yield Needed(f"{upload.folder}/*")


def _uploads_used(entries: Collection[str]) -> set[str]:
    folders = {entry.rpartition("/")[0]: entry for entry in entries}
    ids = [PurePosixPath(folder).name for folder in folders]
    return {folders[upload.folder] for upload in Upload.objects.filter(pk__in=ids)}


def _archives(rows: Holdings) -> Iterator[Needed]:
    """Yield the zips of clips to score; clips are made of them once."""
    for batch in rows.batches.exclude(archive=""):
        unpacked = not ScoringItem.objects.filter(batch=batch, waits_for=ScoringItem.WaitsFor.FILE).exists()
        yield Needed(batch.archive, "" if unpacked else str(batch))


def _archives_used(names: Collection[str]) -> set[str]:
    waiting = ScoringItem.objects.filter(
        batch__archive__in=names, waits_for=ScoringItem.WaitsFor.FILE
    ).order_by()
    return set(waiting.values_list("batch__archive", flat=True).distinct())


def _by_file(
    model: type[
        Clip
        | FlowPicture
        | ModelVersion
        | ModelExport
        | FoldWeights
        | Attribution
        | FeatureExport
        | PaperBundle
    ],
) -> Callable[[Collection[str]], set[str]]:
    def used(names: Collection[str]) -> set[str]:
        return set(model._default_manager.filter(file__in=names).values_list("file", flat=True))

    return used


_HASHED = "[0-9a-f]{2}/[0-9a-f]{64}"
KINDS = {
    kind.folder: kind
    for kind in (
        FileKind("clips", "uploaded clips", re.compile(rf"clips/{_HASHED}\.\w+"), _clips, _by_file(Clip)),
        FileKind(
            "packs",
            "frame packs and thumbnails",
            re.compile(rf"packs/{_HASHED}[^/]*\.\w+"),
            _packs,
            _packs_used,
        ),
        FileKind(
            "layers",
            "flow layers",
            re.compile(rf"(layers/{_HASHED}-)[^/]+\.json"),
            _layers,
            _layers_used,
        ),
        FileKind("features", "features", re.compile(rf"features/{_HASHED}\.npy"), _features, _never_used),
        FileKind(
            "feature-sets",
            "images of feature sets",
            re.compile(r"(feature-sets/[0-9a-f]{1,16}-\d+-[0-9a-f]{1,16}/)[^/]+\.png"),
            _feature_sets,
            _never_used,
        ),
        FileKind(
            "pictures",
            "flow pictures",
            re.compile(rf"pictures/{_HASHED}\.\w+"),
            _pictures,
            _by_file(FlowPicture),
        ),
        FileKind(
            "scoring-uploads",
            "zips of clips to score",
            re.compile(rf"scoring-uploads/{_HASHED}\.zip"),
            _archives,
            _archives_used,
        ),
        FileKind("models", "models", re.compile(rf"models/{_HASHED}\.\w+"), _models, _models_used),
        FileKind(
            "fold-weights",
            "networks of folds",
            re.compile(rf"fold-weights/{_HASHED}\.\w+"),
            _weights,
            _by_file(FoldWeights),
        ),
        FileKind(
            "attributions",
            "attributions",
            re.compile(rf"attributions/{_HASHED}\.\w+"),
            _attributions,
            _by_file(Attribution),
        ),
        FileKind("exports", "exports", re.compile(rf"exports/{_HASHED}\.\w+"), _exports, _exports_used),
        FileKind(
            "uploads",
            "parts of uploads",
            re.compile(r"(uploads/[0-9a-f]{2}/[0-9a-f]{32}/)[^/]+\.part"),
            _uploads,
            _uploads_used,
        ),
        FileKind("sheets", "coding sheets", re.compile(rf"sheets/{_HASHED}\.\w+"), _sheets, _sheets_used),
    )
}
