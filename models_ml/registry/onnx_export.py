"""A trained model as an ONNX file, checked against PyTorch before anyone gets it."""

import logging
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxscript import opset20 as op
from torch import Tensor, nn

from models_ml.errors import InputError
from models_ml.registry.temperature import SMALLEST, calibrated
from models_ml.training.determinism import reproducible
from models_ml.training.model import TrainedModel, check_features

OPSET = 20  # of ai.onnx; supported by ONNX Runtime 1.17 (February 2024) and later
TOLERANCE = 1e-4  # largest difference of a probability from PyTorch
MOST_CHECKED = 256  # inputs on which both are compared
INPUT, OUTPUT, CALIBRATED = "features", "probabilities", "calibrated_probabilities"
_BATCHES = (1, 2, 7)  # sizes that are tried apart from all inputs at once: the batch is dynamic


@dataclass(frozen=True)
class OnnxFile:
    """An exported model.

    Attributes
    ----------
    content
        The file.
    opset
        Version of the operators of ``ai.onnx`` that it uses.
    outputs
        Names of its outputs, each (N, classes) float32.
    largest_difference
        Of any probability from PyTorch, on the inputs of the check.
    inputs_checked
        Their number.
    """

    content: bytes
    opset: int
    outputs: tuple[str, ...]
    largest_difference: float
    inputs_checked: int

    def as_dict(self) -> dict[str, Any]:
        """Return everything except the file."""
        return {
            "opset": self.opset,
            "outputs": list(self.outputs),
            "largest_difference": self.largest_difference,
            "inputs_checked": self.inputs_checked,
            "tolerance": TOLERANCE,
            "onnxruntime": onnxruntime.__version__,
            "torch": torch.__version__,
        }


class _Scorer(nn.Module):
    """What the file computes: the mean of the ensemble's probabilities, and the same calibrated."""

    def __init__(self, network: nn.Module, temperature: float | None) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        mean = self.network(features).softmax(dim=2).mean(dim=1)
        if self.temperature is None:
            return (mean,)
        return mean, (mean.clamp(min=SMALLEST).log() / self.temperature).softmax(dim=1)


def _hypot(a: Any, b: Any) -> Any:
    """The length of (a, b), for which ONNX has no operator; flow is small enough for its squares."""
    return op.Sqrt(op.Add(op.Mul(a, a), op.Mul(b, b)))


def to_onnx(model: TrainedModel, inputs: NDArray[np.float32], temperature: float | None = None) -> OnnxFile:
    """Return the model as an ONNX file with a dynamic batch, after comparing it with PyTorch.

    Members of an ensemble and the scale of the input are part of the file. Mirroring is used in training only.

    Parameters
    ----------
    model
        On the CPU.
    inputs
        (N, 3, size, size) float32, real features, at least one: both must agree on them to ``TOLERANCE``.
    temperature
        Adds the output ``calibrated_probabilities``.

    Raises
    ------
    InputError
        The network uses an operation that ONNX does not have, or the file does not agree with PyTorch; the message says
        which. Nothing may be stored then.
    """
    size = model.config.features.size
    check_features(inputs, size)
    if not len(inputs):
        raise InputError("There are no features on which the exported model could be checked.")
    content, opset, names = _export(model, size, temperature)
    checked = inputs[:MOST_CHECKED]
    largest = _largest_difference(model, content, checked, temperature)
    if not largest <= TOLERANCE:
        raise InputError(
            f"The exported network differs from PyTorch by up to {largest:.2g}, more than {TOLERANCE:g}, on "
            f"{len(checked)} inputs. It cannot be offered as ONNX; use the safetensors file."
        )
    return OnnxFile(content, opset, names, largest, len(checked))


def _export(model: TrainedModel, size: int, temperature: float | None) -> tuple[bytes, int, tuple[str, ...]]:
    scorer = _Scorer(model.network, temperature).eval()
    names = (OUTPUT,) if temperature is None else (OUTPUT, CALIBRATED)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # otherwise it reports each package of operators that is not installed
    try:
        with warnings.catch_warnings(), reproducible(torch.device("cpu")), torch.inference_mode(False):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                scorer,
                (torch.zeros(2, 3, size, size),),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(names),
                dynamic_shapes=({0: torch.export.Dim("samples", min=1, max=65536)},),
                verbose=False,
                custom_translation_table={torch.ops.prims.hypot.default: _hypot},
            )
    except Exception as error:  # the exporter raises many kinds, also of its own dependencies
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise InputError(
            f"The network “{model.config.net.name}” cannot be exported to ONNX: {reason}"
        ) from error
    finally:
        logger.setLevel(level)
    if program is None:
        raise InputError(f"The network “{model.config.net.name}” cannot be exported to ONNX.")
    proto = program.model_proto
    opset = next(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx"))
    return proto.SerializeToString(deterministic=True), opset, names


def _largest_difference(
    model: TrainedModel, content: bytes, inputs: NDArray[np.float32], temperature: float | None
) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    wanted = [model.predict(inputs)]
    if temperature is not None:
        wanted.append(calibrated(wanted[0], temperature))
    largest = 0.0
    for count in (len(inputs), *(number for number in _BATCHES if number < len(inputs))):
        found = session.run(None, {INPUT: inputs[:count]})
        for own, other in zip(found, wanted, strict=True):
            if own.shape != (count, len(model.classes)):
                raise InputError(f"The exported network returns the shape {own.shape} for {count} inputs.")
            largest = max(largest, float(np.abs(own - other[:count]).max()))
    return largest
