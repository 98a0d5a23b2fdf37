"""Which folds are trained side by side in one bundle, and how many.

The limits below were measured with ``make bench NAME=training`` (tests/bench/training.py: 442 samples of 3×28×28, 68 folds,
batches of 256, one process on each of 2 cores). A larger bundle spreads the time that Python needs per operation over more
networks, until their maps and weights no longer fit the caches.
"""

import hashlib
import json
from collections.abc import Sequence

from models_ml.config.run import RunConfig
from models_ml.nets.base import parameter_count

# Networks per bundle on a GPU: enough to keep it busy. A bundle that its memory does not hold is trained in halves.
GPU_MEMBERS = 128
# On a CPU, with both cores busy, ``vgg_m_spp`` takes 74 ms of a core per fold and epoch in bundles of 4, and 97 to 126 ms in
# bundles of 8.
CPU_MEMBERS = 4
# Fused networks (STSTNet) keep no maps between layers, and so take the same time in bundles of 4 and of 8. Larger bundles
# mean fewer jobs.
FUSED_MEMBERS = 8
# Weights of all networks of a bundle on a CPU. A step passes over weights, gradients and the optimiser's two averages:
# 128 MB at this limit.
CPU_WEIGHTS = 8_000_000
# Samples of all networks of a bundle in a batch. Batch normalisation needs the maps of the whole batch at once, so such a
# batch cannot be divided into chunks that fit the caches (models_ml/training/chunks.py).
CPU_SAMPLES = 1024

# Training settings in which the members of one bundle may differ. All others decide what members share: shapes, batches and
# augmented images.
FREE = (
    "learning_rate",
    "weight_decay",
    "loss",
    "focal_gamma",
    "label_smoothing",
    "class_weights",
    "sampling",
)


def bundle_key(config: RunConfig) -> str:
    """Return a key that is equal for configurations whose folds can be trained in one bundle.

    >>> from models_ml.config import TrainConfig
    >>> bundle_key(RunConfig()) == bundle_key(RunConfig(train=TrainConfig(learning_rate=0.1)))
    True
    >>> bundle_key(RunConfig()) == bundle_key(RunConfig(seed=1))
    False
    """
    data = config.model_dump(mode="json")
    for name in FREE:
        del data["train"][name]
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def max_members(config: RunConfig, gpu: bool) -> int:
    """Return how many networks of a configuration one bundle holds at most.

    >>> max_members(RunConfig(), gpu=False), max_members(RunConfig(), gpu=True)
    (4, 128)
    """
    if gpu:
        return GPU_MEMBERS
    if config.net.fused:
        return FUSED_MEMBERS
    weights = max(parameter_count(config.net, config.features.size), 1)
    batch = config.train.batch_size if getattr(config.net, "norm", None) == "batch" else 1
    return max(1, min(CPU_MEMBERS, CPU_WEIGHTS // weights, CPU_SAMPLES // batch))


def bundle_sizes(folds: int, members_per_fold: int, limit: int) -> list[int]:
    """Return how many folds each bundle gets: as few bundles as possible, of nearly equal size.

    The result depends on nothing else, so the same run is divided in the same way everywhere.

    Parameters
    ----------
    folds
        Number of folds to divide.
    members_per_fold
        Networks of each fold: the size of its ensemble.
    limit
        Networks per bundle, at most. A fold with more has a bundle to itself.

    Examples
    --------
    >>> bundle_sizes(20, 1, 8), bundle_sizes(3, 20, 8)
    ([7, 7, 6], [1, 1, 1])
    """
    bundles = -(-folds // max(1, limit // members_per_fold))
    return [folds // bundles + (number < folds % bundles) for number in range(bundles)]


def split_into_bundles(folds: Sequence[int], members_per_fold: int, limit: int) -> list[Sequence[int]]:
    """Cut ``folds``, in their order, into parts of the sizes that ``bundle_sizes`` gives.

    >>> split_into_bundles([4, 5, 6], 1, 2)
    [[4, 5], [6]]
    """
    found, start = [], 0
    for size in bundle_sizes(len(folds), members_per_fold, limit):
        found.append(folds[start : start + size])
        start += size
    return found
