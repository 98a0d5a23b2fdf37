"""Queue ``features``, kinds ``feature-set`` and ``feature-summary``: the features of a version without a run.

The first kind computes features and aligned frames, the second draws them for the page and finds unusual samples.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.composites.models import Sample
from mer_platform.features import services
from mer_platform.features.models import FeatureSet
from mer_platform.jobs.models import Claim, Job, JobCancelled
from models_ml.errors import InputError
from models_ml.motion.colours import flow_colours, png, signed_colours, strain_colours, wheel
from models_ml.motion.features import AlignedPair
from models_ml.motion.outliers import MEASURES, find_outliers
from models_ml.outages import raise_outage
from workers.feature_cache import Features, compute, progress_reporter, sample_features, samples_in
from workers.runner import handles

# Quantile of the samples' strongest motion that has full colour: strong samples saturate, weak ones remain visible. Browsers
# keep these images for good: raise FEATURE_CODE_VERSION with each change of how they look.
FULL_COLOUR = 0.75


def set_failed(job: Job, reason: str) -> None:
    services.fail(job.payload["set"], reason)


@handles("feature-set", failed=set_failed)
def compute_range(claim: Claim) -> None:
    """Compute features and aligned frames of a range of samples; a sample without features does not stop the others."""
    features = _features(claim)
    samples = samples_in(features.version, claim.job.payload["samples"])

    def keep_frames(sample: Sample, pair: AlignedPair) -> None:
        for part, crop in (("onset", pair.onset), ("apex", pair.apex)):
            _save(features.image_name(sample.index, part), png(np.rint(crop).astype(np.uint8)))

    outcome = compute(samples, features.settings, progress_reporter(claim, len(samples)), keep_frames)
    with services.finishing(claim, features.pk) as found:
        found.problems.update({str(index): reason for index, reason in outcome.problems.items()})


@handles("feature-summary", failed=set_failed)
def compare_samples(claim: Claim) -> None:
    """Draw all features on one scale, and find the samples that are unlike the others."""
    features = _features(claim)
    samples = list(features.version.samples.select_related("clip", "picture").order_by("index"))
    problems = [features.problems.get(str(sample.index)) for sample in samples]
    values = _load(samples, features, problems)
    kinds = ["picture" if sample.picture_id else "clip" for sample in samples]
    measures, outliers = find_outliers(values, kinds, problems)
    scales = {kind: _scales(values[[k == kind for k in kinds]]) for kind in sorted(set(kinds))}
    for done, sample in enumerate(samples):
        claim.check()
        if problems[done] is None:
            _render(features, sample.index, values[done], scales[kinds[done]])
    _save(features.image_name("legend", "wheel"), png(wheel()))
    with services.finishing(claim, features.pk) as found:
        found.state = FeatureSet.State.READY
        found.summary = {
            "scales": scales,
            "columns": [{"name": m.name, "title": m.title, "unit": m.unit} for m in MEASURES],
            "measures": {str(s.index): own for s, own in zip(samples, measures, strict=True) if own},
            "outliers": [
                {"index": samples[o.position].index, "score": round(o.score, 2), "reasons": list(o.reasons)}
                for o in outliers
            ],
        }


def _features(claim: Claim) -> FeatureSet:
    found = FeatureSet.objects.select_related("version").filter(pk=claim.job.payload["set"]).first()
    if found is None or not found.active:
        raise JobCancelled("the feature set is no longer being computed")
    return found


def _load(samples: Sequence[Sample], features: FeatureSet, problems: list[str | None]) -> Features:
    """Return the features (N, 3, size, size); a sample without features has zeros, and an entry in ``problems``."""
    config = features.settings
    values = np.zeros((len(samples), 3, config.size, config.size), np.float32)
    for position, sample in enumerate(samples):
        if problems[position] is None:
            try:
                values[position] = sample_features(sample, config)
            except (
                InputError
            ) as error:  # computed by another kind of device, or deleted from the cache since then
                raise_outage(error)
                problems[position] = str(error)
    return values


def _scales(values: Features) -> dict[str, float]:
    """Return the vector length (in pixels of the crop) and the strain that have full colour in the whole set."""
    lengths = np.hypot(values[:, 0], values[:, 1]).reshape(len(values), -1)
    strains = values[:, 2].reshape(len(values), -1)
    return {
        name: float(np.nan_to_num(np.quantile(np.nanquantile(values, 0.99, axis=1), FULL_COLOUR))) or 1.0
        for name, values in (("flow", lengths), ("strain", strains))
    }


def _render(features: FeatureSet, index: int, values: Features, scales: dict[str, Any]) -> None:
    u, v, strain = values
    drawn = {
        "u": signed_colours(u, scales["flow"]),
        "v": signed_colours(v, scales["flow"]),
        "strain": strain_colours(strain, scales["strain"]),
        "flow": flow_colours(values[:2], scales["flow"]),
    }
    for part, colours in drawn.items():
        _save(features.image_name(index, part), png(colours))


def _save(name: str, content: bytes) -> None:
    default_storage.save(name, ContentFile(content))
