"""Which folds are trained side by side, and how many."""

import hashlib
import json
from collections.abc import Sequence

from models_ml.config.run import RunConfig
from models_ml.nets.base import parameter_count

GPU_MEMBERS = 128  # networks in one bundle that keep a GPU busy
FUSED_MEMBERS = 8  # on a CPU, of a network that is trained without ever keeping its maps
CPU_MEMBERS = 4  # at most, of all others; and fewer where the caches would overflow:
CPU_WEIGHTS = 8_000_000  # of all networks together
CPU_SAMPLES = 1024  # of all networks together in a batch that is normalised as a whole

# What members of one bundle may differ in; all else decides what they share: shapes, batches and pictures.
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
    """Folds of configurations with the same key can be trained in one bundle.

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
    """Networks of a configuration that are trained side by side, at most.

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


def bundle_sizes(folds: int, members: int, most: int) -> list[int]:
    """How ``folds`` of ``members`` networks each are dealt to as few bundles of at most ``most`` networks, evenly.

    Depends on nothing else, so that the same run is dealt in the same way everywhere.

    >>> bundle_sizes(20, 1, 8), bundle_sizes(3, 20, 8)
    ([7, 7, 6], [1, 1, 1])
    """
    bundles = -(-folds // max(1, most // members))
    return [folds // bundles + (place < folds % bundles) for place in range(bundles)]


def split_into_bundles(folds: Sequence[int], members: int, most: int) -> list[Sequence[int]]:
    """``folds`` in their order, cut as ``bundle_sizes`` says.

    >>> split_into_bundles([4, 5, 6], 1, 2)
    [[4, 5], [6]]
    """
    found, start = [], 0
    for size in bundle_sizes(len(folds), members, most):
        found.append(folds[start : start + size])
        start += size
    return found
