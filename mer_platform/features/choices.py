"""Which configurations a features page offers, and how it words them."""

from dataclasses import dataclass

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.display import features_in_words
from mer_platform.experiments.models import Run
from mer_platform.features.models import FeatureSet
from models_ml.config import FeatureConfig


@dataclass(frozen=True)
class Choice:
    config: FeatureConfig
    features: FeatureSet | None

    @property
    def key(self) -> str:
        return self.config.content_hash()

    @property
    def label(self) -> str:
        return features_in_words(self.config)


def choices_for(version: CompositeVersion) -> list[Choice]:
    """The default, those of the project's runs, and those that this version has features of; each once."""
    stored = list(version.feature_sets.all())
    runs = Run.objects.filter(project=version.project).values_list("config", flat=True)
    known = [FeatureConfig(), *(FeatureConfig.model_validate(config["features"]) for config in runs)]
    known += [features.settings for features in stored]
    by_hash = {features.config_hash: features for features in stored}
    return [
        Choice(config, by_hash.get(config.content_hash()))
        for config in {config.content_hash(): config for config in known}.values()
    ]
