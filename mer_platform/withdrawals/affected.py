"""What contains a person: the preview of a withdrawal, and what it works on."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet

from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.clips.models import Subject
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.deletion.contents import WORDS as ROWS
from mer_platform.deletion.contents import Contents
from mer_platform.experiments.models import Attribution, FoldWeights, PredictionUpload, Run
from mer_platform.exports.models import FeatureExport, PaperBundle
from mer_platform.features.models import FeatureSet
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from mer_platform.projects.models import Project
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringItem
from mer_platform.uploads.models import Upload
from mer_platform.uploads.services import read_metadata

OWN_WORDS = {
    "samples": ("sample of frozen versions", "samples of frozen versions"),
    "versions": ("frozen version", "frozen versions"),
    "runs": ("run", "runs"),
    "active_runs": ("run that is not finished", "runs that are not finished"),
    "models": ("model", "models"),
    "fold_weights": ("network of a fold", "networks of folds"),
    "attributions": ("attribution", "attributions"),
    "feature_sets": ("feature set", "feature sets"),
    "feature_exports": ("feature export", "feature exports"),
    "paper_bundles": ("paper bundle", "paper bundles"),
    "scoring_batches": ("scoring batch", "scoring batches"),
    "imports": ("import", "imports"),
    "annotation_imports": (
        "annotation import that is not confirmed",
        "annotation imports that are not confirmed",
    ),
    "uploads": ("upload", "uploads"),
}
WORDS = {**ROWS, **OWN_WORDS}


@dataclass(frozen=True)
class Affected:
    """The rows that contain a subject, or were made of it."""

    subject: Subject

    @property
    def project(self) -> Project:
        return self.subject.database.project

    @cached_property
    def contents(self) -> Contents:
        return Contents.of(self.subject)

    @property
    def samples(self) -> QuerySet[Sample]:
        inside = Q(clip__in=self.contents.clips) | Q(picture__in=self.contents.pictures)
        return Sample.objects.filter(inside)

    @cached_property
    def version_ids(self) -> list[int]:
        return sorted(set(self.samples.order_by().values_list("version", flat=True)))

    @property
    def versions(self) -> QuerySet[CompositeVersion]:
        return (
            CompositeVersion.objects.filter(pk__in=self.version_ids)
            .select_related("composite")
            .order_by("pk")
        )

    @property
    def runs(self) -> QuerySet[Run]:
        return Run.objects.filter(version__in=self.version_ids).order_by("pk")

    @property
    def models(self) -> QuerySet[ModelVersion]:
        """Models that were trained on the person. What imported models were trained on is not known."""
        return ModelVersion.objects.filter(run__version__in=self.version_ids).order_by("pk")

    @property
    def fold_weights(self) -> QuerySet[FoldWeights]:
        return FoldWeights.objects.filter(fold__run__version__in=self.version_ids)

    @property
    def attributions(self) -> QuerySet[Attribution]:
        return Attribution.objects.filter(run__version__in=self.version_ids)

    @property
    def feature_sets(self) -> QuerySet[FeatureSet]:
        return FeatureSet.objects.filter(version__in=self.version_ids)

    @property
    def feature_exports(self) -> QuerySet[FeatureExport]:
        return FeatureExport.objects.filter(version__in=self.version_ids)

    @property
    def prediction_uploads(self) -> QuerySet[PredictionUpload]:
        return PredictionUpload.objects.filter(version__in=self.version_ids)

    @cached_property
    def paper_bundles(self) -> list[PaperBundle]:
        runs = set(self.runs.values_list("pk", flat=True))
        return [b for b in PaperBundle.objects.filter(project=self.project) if runs.intersection(b.runs)]

    @property
    def scores(self) -> QuerySet[ScoringItem]:
        """Scores of the person's clips, and items whose file is still to become a clip of the person."""
        waiting = Q(clip=None, subject=self.subject.name, batch__database=self.subject.database.name)
        waiting &= Q(batch__project=self.project)
        return ScoringItem.objects.filter(Q(clip__in=self.contents.clips) | waiting)

    @property
    def import_items(self) -> QuerySet[ImportItem]:
        own = Q(clip__in=self.contents.clips) | Q(picture__in=self.contents.pictures)
        own |= Q(database=self.subject.database.name, subject=self.subject.name)
        return ImportItem.objects.filter(own, batch__project=self.project)

    @property
    def import_problems(self) -> QuerySet[ImportProblem]:
        return ImportProblem.objects.filter(batch__project=self.project, subject=self.subject.name)

    @property
    def imports(self) -> QuerySet[Import]:
        """The imports that read the person's database: their sheets list the person."""
        of_database = ImportItem.objects.filter(
            batch__project=self.project, database=self.subject.database.name
        )
        inside = Q(pk__in=of_database.values("batch")) | Q(pk__in=self.import_problems.values("batch"))
        inside |= Q(pk__in=self.import_items.values("batch"))
        return Import.objects.filter(inside)

    @property
    def annotation_imports(self) -> QuerySet[AnnotationImport]:
        """Those that are not confirmed: they keep the whole file, which may list the person."""
        unconfirmed = (AnnotationImport.State.UNREAD, AnnotationImport.State.CHECKED)
        return AnnotationImport.objects.filter(project=self.project, state__in=unconfirmed)

    @cached_property
    def uploads(self) -> list[Upload]:
        """Uploads with the person's bytes or file names, or that state the subject."""
        hashes = set(self.contents.clips.values_list("sha256", flat=True))
        names = {name.casefold() for name in self.contents.clips.values_list("original_name", flat=True)}
        own = self.subject.name.casefold()
        return [
            upload
            for upload in Upload.objects.filter(project=self.project)
            if upload.sha256 in hashes
            or upload.filename.casefold() in names
            or own in " ".join(read_metadata(upload.metadata).values()).casefold()
        ]

    def counts(self, viewer: Any = None) -> dict[str, int]:
        """Return how many rows of each kind contain the person, without kinds that have none."""
        batches = set(self.scores.order_by().values_list("batch", flat=True))
        found = {
            **self.contents.counts(viewer),
            "samples": self.samples.count(),
            "versions": len(self.version_ids),
            "runs": self.runs.count(),
            "active_runs": self.runs.filter(state__in=Run.ACTIVE).count(),
            "models": self.models.count(),
            "fold_weights": self.fold_weights.count(),
            "attributions": self.attributions.count(),
            "feature_sets": self.feature_sets.count(),
            "feature_exports": self.feature_exports.count(),
            "paper_bundles": len(self.paper_bundles),
            "scoring_batches": len(batches),
            "imports": self.imports.count(),
            "annotation_imports": self.annotation_imports.count(),
            "uploads": len(self.uploads),
        }
        return {name: found[name] for name in WORDS if found.get(name)}

    def sources(self) -> list[str]:
        """Return the folders outside of the platform's storage from which the person's database was imported."""
        outside = self.imports.exclude(place=Import.SourceType.FILE).exclude(source="")
        return sorted(set(outside.values_list("source", flat=True)))


def in_words(counts: dict[str, int]) -> list[str]:
    """Return counts as phrases, one per kind."""
    return [f"{count:,} {WORDS[name][count != 1]}" for name, count in counts.items() if name in WORDS]
