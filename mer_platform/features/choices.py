"""The configurations that a features page offers."""

from dataclasses import dataclass

from django.db.models import Max

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.display import features_in_words
from mer_platform.features.models import FeatureRange, FeatureSet
from models_ml.config import FeatureConfig


@dataclass(frozen=True)
class Choice:
    """A configuration, and its feature set if there is one."""

    config: FeatureConfig
    features: FeatureSet | None

    @property
    def key(self) -> str:
        return self.config.content_hash()

    @property
    def label(self) -> str:
        return features_in_words(self.config)


def choices_for(version: CompositeVersion) -> list[Choice]:
    """Return the default and, each once, the configurations of the project's runs and of the version's feature sets."""
    stored = list(version.feature_sets.all())
    by_runs = FeatureRange.objects.filter(version__composite__project=version.project)
    latest = by_runs.order_by().values("config_hash").annotate(latest=Max("pk")).values("latest")
    known = [
        FeatureConfig(),
        *(row.settings for row in FeatureRange.objects.filter(pk__in=latest).order_by("-pk")),
    ]
    known += [features.settings for features in stored]
    by_hash = {features.config_hash: features for features in stored}
    return [
        Choice(config, by_hash.get(config.content_hash()))
        for config in {config.content_hash(): config for config in known}.values()
    ]
