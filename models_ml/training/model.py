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

from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.nets.base import CHANNELS
from models_ml.nets.build import build
from models_ml.training.chunks import chunk_size
from models_ml.training.determinism import reproducible

FORMAT = "mer-model-2"
AT_ONCE = 64  # samples, at most
LARGEST = 1e6  # number in a flow picture: pixels, or their change from pixel to pixel


@dataclass(frozen=True)
class TrainedModel:
    """A network, or the several of an ensemble, with its weights and the configuration it was trained under.

    ``network`` is on the CPU and in evaluation mode; the scale of its input is in its first layers.
    """

    config: RunConfig
    network: nn.Module
    classes: tuple[str, ...] = CLASSES

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (N, classes) float64, in the order of ``classes``; an ensemble's are averaged.

        ``features`` are (N, 3, size, size) float32, as in training. Raises InputError where they do not fit
        the model or are not finite.
        """
        check_features(features, self.config.features.size)
        if not len(features):
            return np.empty((0, len(self.classes)))
        with reproducible(torch.device("cpu")):
            return probabilities(self.network, torch.from_numpy(features)).mean(dim=1).numpy()

    def save_bytes(self) -> bytes:
        """The model as a safetensors file; all but the weights is JSON in its header."""
        header = {
            "format": FORMAT,
            "config": self.config.model_dump(mode="json"),
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
        return TrainedModel(config, _network(config, classes, tensors), classes)


def probabilities(network: nn.Module, pictures: Tensor) -> Tensor:
    """Every member's for every picture: (N, 3, S, S) → (N, members, classes) float64, on the CPU.

    Leaves the network in evaluation mode.
    """
    at_once = min(AT_ONCE, chunk_size(network, pictures.shape[-1], pictures.device))
    network.eval()
    with torch.inference_mode():
        logits = [
            network(batch.contiguous(memory_format=torch.channels_last)) for batch in pictures.split(at_once)
        ]
    return torch.cat(logits).double().softmax(dim=2).cpu()


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
    # Squares of such numbers overflow in a batch's statistics; no face moves by so many pixels.
    largest = np.abs(features).max(axis=(1, 2, 3), initial=0)
    if (largest > LARGEST).any():
        raise InputError(
            f"the features of sample {int(largest.argmax())} hold {largest.max():g}, more than {LARGEST:g}"
        )


def _network(config: RunConfig, classes: tuple[str, ...], tensors: dict[str, Tensor]) -> nn.Module:
    shape = (config.net, config.ensemble, config.features.size, len(classes))
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
        if name.endswith("scale") and not (tensor > 0).all():
            raise InputError(f"the model file holds a scale that is not above zero: see {name}")
    with torch.random.fork_rng(devices=[]):
        network = build(*shape)
    network.load_state_dict(tensors)
    return network.eval()
