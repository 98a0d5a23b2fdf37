"""Models of runs, without training them."""

from typing import Any

from mer_platform.experiments.models import Run
from mer_platform.registry.models import ModelVersion
from mer_platform.registry.services import store_model
from models_ml.classes import CLASSES


def model_of(run: Run, file: str = "models/ab/m.safetensors", **fields: Any) -> ModelVersion:
    """Store a model of the run."""
    return store_model(run, file=file, **{"sha256": "0" * 64, "classes": list(CLASSES), **fields})
