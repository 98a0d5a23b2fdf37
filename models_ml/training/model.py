"""A trained network together with all that is needed to use it."""

import json
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.evaluation.metrics import CLASSES
from models_ml.nets.registry import build
from models_ml.training.determinism import reproducible

FORMAT = "mer-model-1"
CHANNELS = 3  # u, v, optical strain


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel over the training samples."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> "Normalisation":
        """Measured on ``features`` (N, C, S, S). A constant channel keeps its scale.

        >>> Normalisation.of(np.array([[[[1.0, 3.0]]]], dtype=np.float32))
        Normalisation(mean=(2.0,), std=(1.0,))
        """
        mean = features.mean(axis=(0, 2, 3), dtype=np.float64)
        std = features.std(axis=(0, 2, 3), dtype=np.float64)
        std[std == 0] = 1.0
        return cls(tuple(mean.tolist()), tuple(std.tolist()))

    def apply(self, features: NDArray[np.float32]) -> Tensor:
        """(N, C, S, S) → the same, zero mean and unit variance, channels last in memory."""
        mean, std = (np.array(values, np.float32)[:, None, None] for values in (self.mean, self.std))
        return torch.from_numpy((features - mean) / std).to(memory_format=torch.channels_last)


@dataclass(frozen=True)
class TrainedModel:
    """A network with its weights, its normalisation and the configuration it was trained under.

    ``network`` is on the CPU and in evaluation mode.
    """

    config: RunConfig
    normalisation: Normalisation
    network: nn.Module
    classes: tuple[str, ...] = CLASSES

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (N, classes) float64, in the order of ``classes``.

        ``features`` are (N, 3, size, size) float32, as in training. Raises InputError where they do not fit
        the model or are not finite.
        """
        check_features(features, self.config.features.size)
        inputs = self.normalisation.apply(features)
        with reproducible(torch.device("cpu")), torch.inference_mode():
            logits = [self.network(batch) for batch in inputs.split(256)]
        if not logits:
            return np.empty((0, len(self.classes)))
        return torch.cat(logits).double().softmax(dim=1).numpy()

    def save_bytes(self) -> bytes:
        """The model as a safetensors file; all but the weights is JSON in its header."""
        header = {
            "format": FORMAT,
            "config": self.config.model_dump(mode="json"),
            "normalisation": {"mean": self.normalisation.mean, "std": self.normalisation.std},
            "classes": self.classes,
        }
        tensors = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        return save(tensors, metadata={"model": json.dumps(header, sort_keys=True)})

    @staticmethod
    def load_bytes(data: bytes) -> "TrainedModel":
        """The model that ``save_bytes`` wrote. Nothing is ever unpickled.

        Raises InputError where ``data`` is no such file, is cut short, or does not match its configuration.
        """
        try:
            tensors = load(data)
            length = int.from_bytes(data[:8], "little")
            header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["model"])
            if header["format"] != FORMAT:
                raise InputError(
                    f"the model file has format {header['format']!r}; this version reads {FORMAT}"
                )
            config = RunConfig.model_validate(header["config"])
            normalisation = _normalisation(**header["normalisation"])
            classes = tuple(map(str, header["classes"]))
        except SafetensorError as error:
            raise InputError(f"this is not a model file, or only a part of one: {error}") from error
        except ValidationError as error:
            raise InputError(f"the configuration in the model file is not valid: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                "the file holds weights but no description of a model of this platform"
            ) from error
        return TrainedModel(config, normalisation, _network(config, classes, tensors), classes)


def check_features(features: NDArray[np.float32], size: int) -> None:
    """Raise InputError unless ``features`` is a finite (N, 3, size, size) float32 array."""
    wanted = (CHANNELS, size, size)
    if features.ndim != 4 or features.shape[1:] != wanted or features.dtype != np.float32:
        raise InputError(
            f"features must be float32 of shape (samples, {CHANNELS}, {size}, {size}) for this "
            f"configuration, and are {features.dtype} of shape {features.shape}"
        )
    finite = np.isfinite(features).all(axis=(1, 2, 3))
    if not finite.all():
        raise InputError(f"the features of sample {int(finite.argmin())} hold values that are not finite")


def _normalisation(mean: list[float], std: list[float]) -> Normalisation:
    normalisation = Normalisation(tuple(map(float, mean)), tuple(map(float, std)))
    numbers = normalisation.mean + normalisation.std
    if len(mean) != CHANNELS or len(std) != CHANNELS or not np.isfinite(numbers).all() or min(std) <= 0:
        raise InputError(f"the normalisation in the model file is not usable: mean {mean}, std {std}")
    return normalisation


def _network(config: RunConfig, classes: tuple[str, ...], tensors: dict[str, Tensor]) -> nn.Module:
    shape = (config.net, CHANNELS, config.features.size, len(classes))
    with torch.device("meta"):  # takes no memory, however large a network a damaged file asks for
        network = build(*shape)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != expected:
        odd = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise InputError(
            f"the weights in the model file do not fit its configuration: see {', '.join(odd[:5])}"
        )
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"the model file holds weights that are not finite: see {name}")
    with torch.random.fork_rng(devices=[]):
        network = build(*shape)
    network.load_state_dict(tensors)
    return network.eval()
