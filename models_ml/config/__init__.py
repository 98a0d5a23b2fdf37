"""What a run is, as data: features, network, training.

Everything here is validated where it is typed in (a form, the API, a JSON file), so it imports neither torch
nor OpenCV. ``RunConfig.model_json_schema()`` carries a title, a description and the bounds of every field.
"""

from models_ml.config.features import FEATURE_CODE_VERSION, FeatureConfig
from models_ml.config.presets import PRESETS, Preset, from_preset
from models_ml.config.run import RunConfig, field_path
from models_ml.config.sweep import MOST_RUNS, SweepConfig
from models_ml.config.training import TrainConfig
from models_ml.nets.base import BaseNet
from models_ml.nets.registry import NET_CONFIGS, AnyNet
from models_ml.nets.vgg_m.config import VggM, VggMSpp

__all__ = [
    "FEATURE_CODE_VERSION",
    "MOST_RUNS",
    "NET_CONFIGS",
    "PRESETS",
    "AnyNet",
    "BaseNet",
    "FeatureConfig",
    "Preset",
    "RunConfig",
    "SweepConfig",
    "TrainConfig",
    "VggM",
    "VggMSpp",
    "field_path",
    "from_preset",
]
