"""Queue ``features``: the features that the runs of an experiment need and that are not stored yet."""

from mer_platform.experiments import steps
from mer_platform.experiments.models import Experiment
from mer_platform.jobs.models import Claim
from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from workers.feature_cache import compute, joined_problems, progress_of, samples_in, variants
from workers.runner import handles


@handles("features", failed=steps.fail_features)
def compute_features(claim: Claim) -> None:
    """Every missing feature of a range of samples. All problems of the range are told at once."""
    wanted = claim.job.payload
    if steps.hold_if_paused(claim, wanted["experiment"]):
        return
    experiment = Experiment.objects.select_related("version").get(pk=wanted["experiment"])
    samples = [
        variant
        for sample in samples_in(experiment.version, wanted["samples"])
        for variant in variants(sample, wanted["apex_jitter"])
    ]
    config = FeatureConfig.model_validate(wanted["config"])
    outcome = compute(samples, config, progress_of(claim, len(samples)))
    if problems := outcome.problems:
        names = {sample.index: str(sample) for sample in samples}
        raise InputError(joined_problems(f"{names[index]}: {reason}" for index, reason in problems.items()))
    with steps.finishing_features(claim, outcome.computed):
        pass  # the features themselves are in the cache
