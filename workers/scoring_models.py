"""Models that stay in memory between the jobs of a worker process, on the device that scores."""

from collections import OrderedDict
from threading import Lock

from django.conf import settings
from django.core.files.storage import default_storage

from models_ml.errors import InputError
from models_ml.motion.features import flow_device
from models_ml.training.model import TrainedModel


class ModelCache:
    """The models that were used last, up to so many bytes of weights; the newest one stays even if it is larger."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._models: OrderedDict[str, TrainedModel] = OrderedDict()
        self._lock = Lock()

    def get(self, name: str) -> TrainedModel:
        """Return the model of a stored file. Names are content hashes, so that a cached model is never out of date.

        Raises InputError if the file is missing or is not a model.
        """
        with self._lock:
            model = self._models.get(name) or _load(name)
            self._models[name] = model
            self._models.move_to_end(name)
            while len(self._models) > 1 and self.bytes > self._most:
                self._models.popitem(last=False)
            return model

    @property
    def bytes(self) -> int:
        return sum(model.size for model in self._models.values())


MODELS = ModelCache(settings.MODEL_CACHE_BYTES)


def _load(name: str) -> TrainedModel:
    try:
        with default_storage.open(name) as file:
            return TrainedModel.load_bytes(file.read()).on(flow_device())
    except FileNotFoundError as error:
        raise InputError(
            "The file of the model is missing from the storage. Restore it from a backup, or train the model again.",
            "model_not_readable",
        ) from error
