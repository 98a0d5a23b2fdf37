"""Sweeps that come with the platform, and how they are changed."""

from dataclasses import dataclass
from typing import Any

from models_ml.config.sweep import SweepConfig
from models_ml.nets.registry import NET_CONFIGS

# Factor on VGG-M's 96, 256 and 512 channels: small enough for a laptop. On the demo, the study's 25 runs (425 folds) take
# 138 s on two cores (docs/scaling.md).
WIDTH = 0.0625
KERNELS = (
    (2, 3), (5, 6), (2, 3, 4), (4, 5, 6), (2, 3, 4, 5), (3, 4, 5, 6), (2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 6),
)  # fmt: skip
PLACEMENTS = (1, 2, 3)


@dataclass(frozen=True)
class Preset:
    """A sweep with a title and the question that it answers."""

    title: str
    description: str
    sweep: SweepConfig


def _spp_study() -> SweepConfig:
    pyramids = [
        {"name": "vgg_m_spp", "width": WIDTH, "placement": placement, "kernels": list(kernels)}
        for placement in PLACEMENTS
        for kernels in KERNELS
    ]
    return SweepConfig(grid={"net": ({"name": "vgg_m", "width": WIDTH}, *pyramids)})


# By name, in the order in which pages list them.
PRESETS: dict[str, Preset] = {
    "spp-study": Preset(
        "Where and how to pool",
        f"Repeats the study of Sian et al. (2021) at width {WIDTH:g}: spatial pyramid pooling after layer 1, 2 or 3, with "
        "two to six branches, compared with the network without it. In the study, kernels 2 to 6 after layer 2 were best.",
        _spp_study(),
    ),
    "peers": Preset(
        "All networks",
        "Compares all networks of the platform with their default settings, under the same protocol, training and features.",
        SweepConfig(grid={"net": tuple({"name": name} for name in NET_CONFIGS)}),
    ),
}


def from_preset(name: str, base: Any, grid: Any, seeds: Any) -> dict[str, Any]:
    """Return a preset's sweep with changes, as data that is still to be validated.

    Parameters
    ----------
    name
        A key of ``PRESETS``.
    base
        Settings that replace the preset's, one by one. A setting of a varied network belongs in ``grid``, where
        it applies to all networks.
    grid
        Axes to add to the preset's, or to replace them.
    seeds
        Empty: the preset's own.

    Examples
    --------
    >>> from_preset("peers", {"train": {"epochs": 3}}, {"net.dropout": [0.2]}, [0, 1])["base"]
    {'train': {'epochs': 3}}
    """
    sweep = PRESETS[name].sweep.model_dump(mode="json")
    merged = _merged(sweep["base"], base) if isinstance(base, dict) else base
    return {
        "base": merged,
        "grid": {**sweep["grid"], **grid} if isinstance(grid, dict) else grid,
        "seeds": seeds or sweep["seeds"],
    }


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for name, value in above.items():
        inner = found.get(name)
        found[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return found
