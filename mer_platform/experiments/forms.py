"""A configuration in words."""

from typing import Any

from pydantic import BaseModel

from mer_platform.experiments.models import Run
from models_ml.config import FeatureConfig, TrainConfig, VggMSpp

SECTIONS: dict[str, tuple[str, type[BaseModel]]] = {
    "net": ("Network", VggMSpp),
    "train": ("Training", TrainConfig),
    "features": ("Motion features", FeatureConfig),
}

# Names that papers write in another way than the configuration; the other options are explained by their field.
NAMES = {
    "vgg_m_spp": "VGG-M with SPP",
    "tvl1": "TV-L1",
    "farneback": "Farnebäck",
    "dis": "DIS",
    "clahe": "CLAHE",
}


def described(run: Run) -> list[tuple[str, list[tuple[str, str]]]]:
    """The run's settings as its page shows them: each section's title, and its settings with their values."""
    return [
        (
            title,
            [
                (info.title or name, _text(run.config[section][name]))
                for name, info in model.model_fields.items()
            ],
        )
        for section, (title, model) in SECTIONS.items()
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else NAMES.get(value, str(value))
