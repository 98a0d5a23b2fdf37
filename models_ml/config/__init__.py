"""Configurations as data: features, network, training, protocol.

They are validated where they are entered (a form, the API, a JSON file), so nothing here imports torch or OpenCV.
``RunConfig.model_json_schema()`` has a title, a description and limits for each setting.
"""

from models_ml.config.features import FEATURE_CODE_VERSION, FeatureConfig
from models_ml.config.presets import PRESETS, Preset, from_preset
from models_ml.config.run import RunConfig, field_path
from models_ml.config.sweep import MAX_RUNS, SweepConfig
from models_ml.config.training import TrainConfig
from models_ml.nets.base import BaseNet
from models_ml.nets.registry import NET_CONFIGS, AnyNet
from models_ml.nets.vgg_m.config import VggM, VggMSpp

__all__ = [
    "FEATURE_CODE_VERSION",
    "MAX_RUNS",
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
