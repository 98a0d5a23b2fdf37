"""Models in the memory of a worker: few enough, and the same answers for one clip as for many."""

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.nets.build import build
from models_ml.training.model import TrainedModel
from workers.scoring_models import ModelCache


@pytest.fixture
def model() -> TrainedModel:
    config = RunConfig.model_validate({"ensemble": 3})
    return TrainedModel(config, build(config.net, 3, config.features.size, len(CLASSES)).eval())


def test_the_cache_keeps_the_models_that_were_used_last(model):
    names = [f"models/00/cached{number}.safetensors" for number in range(3)]
    for name in names:
        default_storage.save(name, ContentFile(model.save_bytes()))
    cache = ModelCache(2 * model.size)
    first = cache.get(names[0])
    cache.get(names[1])
    assert cache.get(names[0]) is first
    cache.get(names[2])  # the second one goes
    assert cache.bytes == 2 * model.size
    assert cache.get(names[0]) is first
    default_storage.delete(names[1])
    with pytest.raises(InputError, match="missing from the storage"):
        cache.get(names[1])


def test_networks_of_an_ensemble_answer_one_by_one(model):
    features = np.random.default_rng(1).normal(size=(5, 3, 28, 28)).astype(np.float32)
    members = model.predict_members(features)
    assert members.shape == (5, 3, len(CLASSES))
    assert np.allclose(members.mean(axis=1), model.predict(features))
    assert np.allclose(members[2], model.predict_members(features[2:3])[0], atol=1e-6)
