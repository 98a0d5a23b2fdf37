"""A trained network with everything needed to use it."""

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
from models_ml.config import RunConfig, field_path
from models_ml.errors import InputError
from models_ml.nets.base import CHANNELS
from models_ml.nets.build import build
from models_ml.training.chunks import chunk_size
from models_ml.training.determinism import reproducible
from models_ml.wording import in_words

FORMAT = "mer-model-2"
MAX_CHUNK = 64  # samples predicted at once; bounds the memory on a GPU, where chunk_size does not
MAX_FEATURE = 1e6  # pixels, or pixels per pixel


@dataclass(frozen=True)
class TrainedModel:
    """A trained network, or an ensemble, and its configuration.

    Attributes
    ----------
    config
        The configuration it was trained with.
    network
        In evaluation mode, and on the CPU unless ``on`` moved it. Its first layers contain the scale of the input.
    classes
        The order of the outputs.
    """

    config: RunConfig
    network: nn.Module
    classes: tuple[str, ...] = CLASSES

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict the probability of each class; an ensemble returns the mean of its networks.

        Parameters
        ----------
        features
            (N, 3, size, size) float32, as in training: u, v in pixels, and optical strain.

        Returns
        -------
        NDArray[np.float64]
            (N, classes), in the order of ``classes``.

        Raises
        ------
        InputError
            The features do not fit the model or are not finite.
        """
        members: NDArray[np.float64] = self.predict_members(features).mean(axis=1)
        return members

    def predict_members(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict as each network of an ensemble, on the device of the network: (N, members, classes).

        Features and errors as for ``predict``.
        """
        check_features(features, self.config.features.size)
        if not len(features):
            return np.empty((0, self.config.ensemble, len(self.classes)))
        device = self.device
        with reproducible(device):
            return probabilities(self.network, torch.from_numpy(features).to(device)).numpy()

    @property
    def device(self) -> torch.device:
        """The device of its weights; the CPU if it has none."""
        return next((tensor.device for tensor in self.network.state_dict().values()), torch.device("cpu"))

    @property
    def size(self) -> int:
        """Size of its weights in bytes."""
        return sum(tensor.nbytes for tensor in self.network.state_dict().values())

    def on(self, device: str) -> "TrainedModel":
        """Return the model with its weights on a device; the weights of this one move."""
        return TrainedModel(self.config, self.network.to(device), self.classes)

    def save_bytes(self) -> bytes:
        """Return the model as a safetensors file. Everything except the weights is JSON in its header."""
        header = {
            "format": FORMAT,
            "config": self.config.model_dump(mode="json"),
            "classes": self.classes,
        }
        tensors = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        return save(tensors, metadata={"model": json.dumps(header, sort_keys=True)})

    @staticmethod
    def load_bytes(data: bytes) -> "TrainedModel":
        """Load a model that ``save_bytes`` wrote. Nothing is unpickled.

        Raises
        ------
        InputError
            The data is not a model file, is incomplete, or does not match its configuration.
        """
        try:
            tensors = load(data)
            length = int.from_bytes(data[:8], "little")
            header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["model"])
            if header["format"] != FORMAT:
                raise InputError(
                    f"The model file has the format {header['format']!r}. This version reads {FORMAT}."
                )
            config = RunConfig.from_stored(header["config"])
            classes = tuple(map(str, header["classes"]))
        except SafetensorError as error:
            raise InputError(f"This is not a complete model file: {error}.") from error
        except ValidationError as error:
            problems = " ".join(f"{field_path(e['loc'])}: {in_words(e)}" for e in error.errors())
            raise InputError(
                f"The configuration in the model file does not fit this version. {problems}"
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                "The file contains weights, but no description of a model of this platform."
            ) from error
        return TrainedModel(config, _network(config, classes, tensors), classes)


def probabilities(network: nn.Module, images: Tensor) -> Tensor:
    """Return the probabilities of all members for flow images: (N, 3, S, S) → (N, members, classes) float64, on the CPU.

    Leaves the network in evaluation mode.
    """
    chunk = min(MAX_CHUNK, chunk_size(network, images.shape[-1], images.device))
    network.eval()
    with torch.inference_mode():
        logits = [
            network(batch.contiguous(memory_format=torch.channels_last)) for batch in images.split(chunk)
        ]
    return torch.cat(logits).double().softmax(dim=2).cpu()


def check_features(features: NDArray[np.float32], size: int) -> None:
    """Raise InputError unless ``features`` are (N, 3, size, size) float32, finite, and at most ``MAX_FEATURE``."""
    wanted = (CHANNELS, size, size)
    if features.ndim != 4 or features.shape[1:] != wanted or features.dtype != np.float32:
        raise InputError(
            f"Features must be float32 of shape (samples, {CHANNELS}, {size}, {size}) for this configuration; they are "
            f"{features.dtype} of shape {features.shape}."
        )
    finite = np.isfinite(features).all(axis=(1, 2, 3))
    if not finite.all():
        raise InputError(f"The features of sample {int(finite.argmin())} contain values that are not finite.")
    # Squares of larger numbers overflow in a batch's statistics, and no face moves by so many pixels.
    largest = np.abs(features).max(axis=(1, 2, 3), initial=0)
    if (largest > MAX_FEATURE).any():
        raise InputError(
            f"The features of sample {int(largest.argmax())} contain {largest.max():g}, more than {MAX_FEATURE:g}."
        )


def _network(config: RunConfig, classes: tuple[str, ...], tensors: dict[str, Tensor]) -> nn.Module:
    shape = (config.net, config.ensemble, config.features.size, len(classes))
    with torch.device("meta"):  # takes no memory, even if a damaged file describes a huge network
        network = build(*shape)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != expected:
        odd = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise InputError(
            f"The weights in the model file do not fit its configuration: see {', '.join(odd[:5])}."
        )
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"The model file contains weights that are not finite: see {name}.")
        if name.endswith("scale") and not (tensor > 0).all():
            raise InputError(f"The model file contains a scale that is not above zero: see {name}.")
    with torch.random.fork_rng(devices=[]):
        network = build(*shape)
    network.load_state_dict(tensors)
    return network.eval()
