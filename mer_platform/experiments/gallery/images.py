"""The images of a version's samples that workers drew: which set belongs to a run, and what is shown of a sample.

A web process draws nothing: it serves the small PNG files of the version's feature sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import F, QuerySet
from django.urls import reverse

from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.configurations.display import features_in_words
from mer_platform.experiments.models import Run
from mer_platform.features.models import FeatureSet
from mer_platform.projects.access import row_id
from mer_platform.projects.models import Project
from models_ml.config import FeatureConfig

TITLES = {"onset": "onset", "apex": "apex", "u": "u", "v": "v", "strain": "strain"}
FIELDS = ("u", "v", "strain")


class Image(NamedTuple):
    """One image of a sample; without an address, ``missing`` says why there is none."""

    part: str
    title: str
    address: str
    missing: str

    @property
    def is_field(self) -> bool:
        return self.part in FIELDS


@dataclass(frozen=True)
class Images:
    """The images that a gallery shows: those of one feature set, or the reason why there are none yet.

    features : the set; None if there is none
    config : what it is, or would be, computed with
    note : how its features differ from those that the run used; empty if they do not
    others : the version's other sets that are ready, as (id, title)
    """

    version: CompositeVersion
    features: FeatureSet | None
    config: FeatureConfig
    note: str = ""
    others: list[tuple[int, str]] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return self.features is not None and self.features.state == FeatureSet.State.READY

    @property
    def title(self) -> str:
        return features_in_words(self.config)

    @property
    def scales(self) -> dict[str, dict[str, float]]:
        """The flow and the strain that have full colour, for ``clip`` and ``picture`` samples."""
        return getattr(self.features, "scales", None) or {} if self.ready else {}

    def of(self, sample: Sample, project: Project) -> list[Image]:
        """Return the images of a sample: frames at onset and apex, u, v and strain."""
        problem = self.features.problems.get(str(sample.index), "") if self.features else ""
        shown = []
        for part, title in TITLES.items():
            frame = {"onset": sample.onset, "apex": sample.apex}.get(part)
            missing = self._why_missing(sample, part, problem)
            if frame is not None:
                title = f"{title} {frame}"
            address = ""
            if self.features is not None and not missing:
                address = reverse("gallery-image", args=[project.slug, self.features.pk, sample.index, part])
            shown.append(Image(part, title, address, missing))
        return shown

    def _why_missing(self, sample: Sample, part: str, problem: str) -> str:
        if sample.is_withdrawn:
            return "Withdrawn"
        if part not in FIELDS and sample.clip_id is None:
            return "A flow picture has no frames"
        if not self.ready:
            return "Not computed yet"
        return f"No features: {problem}" if problem else ""


def feature_sets(version: CompositeVersion) -> QuerySet[FeatureSet, Any]:
    """Return the version's feature sets with ``scales``, but without the measures of each sample, which are large."""
    return version.feature_sets.annotate(scales=F("summary__scales")).defer("summary")


def images_for(run: Run, chosen: str = "") -> Images:
    """Return the images of the features that a run used or, with an id, of another feature set of its version.

    The run's own set is the one of its settings and, if there are several, of the code that computed its features.
    """
    sets = list(feature_sets(run.version))
    for features in sets:
        features.version = run.version
    config = _config_of(run)
    own = [features for features in sets if config is None or features.settings == config]
    exact = [features for features in own if features.config_hash == run.features_hash]
    found = next(iter(exact or own), None)
    note = ""
    if chosen and (other := next((f for f in sets if f.pk == row_id(chosen)), None)) and other != found:
        found = other
        note = f"These are not the features that #{run.pk} used."
    elif config is None and found is not None:
        note = (
            f"#{run.pk} is external, so its features are not known. These are the latest ones of the version."
        )
    elif found is not None and not exact and run.features_hash:
        note = f"Drawn by another version of the code than the features that #{run.pk} used."
    ready = [f for f in sets if f.state == FeatureSet.State.READY and f != found]
    return Images(
        version=run.version,
        features=found,
        config=found.settings if found else config or FeatureConfig(),
        note=note,
        others=[(f.pk, features_in_words(f.settings)) for f in ready],
    )


def _config_of(run: Run) -> FeatureConfig | None:
    """Return a run's settings of features; None for a run that was trained elsewhere."""
    return None if run.is_external else run.settings.features


def samples_shown(version: CompositeVersion, indices: Sequence[int]) -> list[Sample]:
    """Return samples in the given order, in one query."""
    found = {sample.index: sample for sample in version.samples.filter(index__in=indices)}
    return [found[index] for index in indices]
