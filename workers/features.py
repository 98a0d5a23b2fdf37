"""Queue ``features``: the features that the runs of an experiment need and that are not stored yet."""

from mer_platform.experiments import steps
from mer_platform.features.models import FeatureRange
from mer_platform.jobs.models import Claim
from models_ml.errors import InputError
from workers.feature_cache import apex_variants, compute, joined_problems, progress_reporter, samples_in
from workers.runner import handles


@handles("features", failed=steps.fail_features)
def compute_features(claim: Claim) -> None:
    """Compute the missing features of a range of samples; an error lists all problems of the range."""
    if steps.hold_if_paused(claim, claim.job.payload["experiment"]):
        return
    wanted = FeatureRange.objects.select_related("version").get(job=claim.job)
    samples = [
        variant
        for sample in samples_in(wanted.version, (wanted.start, wanted.end))
        for variant in apex_variants(sample, wanted.apex_jitter)
    ]
    outcome = compute(samples, wanted.settings, progress_reporter(claim, len(samples)))
    if problems := outcome.problems:
        names = {sample.index: str(sample) for sample in samples}
        raise InputError(joined_problems(f"{names[index]}: {reason}" for index, reason in problems.items()))
    with steps.finishing_features(claim, outcome.computed):
        pass  # the features themselves are in the cache
