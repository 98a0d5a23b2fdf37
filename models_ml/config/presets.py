"""Sweeps that come with the platform."""

from dataclasses import dataclass
from typing import Any

from models_ml.config.sweep import SweepConfig
from models_ml.nets.registry import NET_CONFIGS

WIDTH = 0.0625  # of VGG-M's 96, 256, 512 channels: small enough for a laptop's processor
KERNELS = (
    (2, 3), (5, 6), (2, 3, 4), (4, 5, 6), (2, 3, 4, 5), (3, 4, 5, 6), (2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 6),
)  # fmt: skip
PLACEMENTS = (1, 2, 3)


@dataclass(frozen=True)
class Preset:
    """A sweep with a title and what it answers."""

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


# By name, in the order in which they are offered.
PRESETS: dict[str, Preset] = {
    "spp-study": Preset(
        "Where and how to pool",
        f"The study of Sian et al. (2021) at width {WIDTH:g}: spatial pyramid pooling after layer 1, 2 or 3 with two to six "
        "branches, against the network without it. There, kernels 2 to 6 after layer 2 were best.",
        _spp_study(),
    ),
    "peers": Preset(
        "All networks",
        "Every network of the platform as it comes, under the same protocol, training and features.",
        SweepConfig(grid={"net": tuple({"name": name} for name in NET_CONFIGS)}),
    ),
}


def from_preset(name: str, base: Any, grid: Any, seeds: Any) -> dict[str, Any]:
    """A preset's sweep, changed; to be validated. ``base`` settings replace the preset's own, one by one.

    A setting of a varied network goes into the grid: there it holds for all of them.

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
