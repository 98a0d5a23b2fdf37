"""Exported features as a PyTorch dataset, for a notebook, a script or your own training loop.

from models_ml.data import FlowDataset

data = FlowDataset("lab-v1.safetensors")
for subject, train, test in data.loso():
    ...
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from models_ml.featurefile import FeatureFile
from models_ml.training.folds import loso


class SubjectFold(NamedTuple):
    """One held-out subject.

    Attributes
    ----------
    subject
        Its name, ``database/subject``.
    train
        The samples of all other subjects.
    test
        The subject's own samples.
    """

    subject: str
    train: "Subset[tuple[Tensor, int]]"
    test: "Subset[tuple[Tensor, int]]"


class FlowDataset(Dataset[tuple[Tensor, int]]):
    """The samples of one frozen composite version: ``data[i]`` is a flow image and its label.

    Parameters
    ----------
    path
        A feature export, ``.safetensors`` or ``.npz``. It is read completely, and nothing is unpickled.

    Attributes
    ----------
    features
        (N, 3, S, S) float32 tensor: u, v in pixels, and optical strain. They are not normalised: measure mean and deviation
        on the training samples of a fold, otherwise the held-out subject leaks into them.
    labels
        (N,) int64 tensor, positions in ``classes``.
    classes
        Names of the classes.
    subjects
        Subject of each sample.
    databases
        Database of each sample.
    names
        Name of each sample.
    sources
        Source of each sample, as in ``FeatureFile``.
    content_hash
        SHA-256 of the version's samples: files with the same hash contain the same samples.
    version
        Name of the version.
    config
        The feature configuration.

    Raises
    ------
    InputError
        The file is not a feature export, is damaged, or contradicts itself.
    OSError
        The file cannot be opened.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "two.npz"
    >>> FeatureFile(
    ...     np.zeros((2, 3, 8, 8), np.float32), np.array([0, 2]), ("negative", "positive", "surprise"),
    ...     subjects=("s1", "s1"), databases=("SMIC", "SAMM"), names=("a", "b"), sources=("clip", "clip"),
    ...     version="Lab v1", content_hash="0" * 64,
    ... ).write(path, "npz")
    >>> data = FlowDataset(path)
    >>> image, label = data[1]
    >>> image.shape, data.classes[label]
    (torch.Size([3, 8, 8]), 'surprise')
    >>> [(fold.subject, len(fold.train), len(fold.test)) for fold in data.loso()]
    [('SAMM/s1', 1, 1), ('SMIC/s1', 1, 1)]
    """

    def __init__(self, path: str | Path) -> None:
        content = FeatureFile.read(path)
        self.features = torch.from_numpy(content.features)
        self.labels = torch.from_numpy(content.labels)
        self.classes = content.classes
        self.subjects = content.subjects
        self.databases = content.databases
        self.names = content.names
        self.sources = content.sources
        self.version = content.version
        self.content_hash = content.content_hash
        self.config: dict[str, Any] = content.config

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.features[index], int(self.labels[index])

    def __repr__(self) -> str:
        side = self.features.shape[-1]
        return f"FlowDataset({self.version!r}, {len(self)} samples, {side}×{side}, {self.content_hash[:12]})"

    @property
    def people(self) -> tuple[str, ...]:
        """``database/subject`` of each sample: subjects of different databases with the same name are different people."""
        return tuple(f"{d}/{s}" for d, s in zip(self.databases, self.subjects, strict=True))

    def loso(self) -> Iterator[SubjectFold]:
        """Leave one subject out, in the order of the platform's folds. Raises InputError with fewer than two people."""
        for fold in loso(self.people):
            yield SubjectFold(fold.name, Subset(self, fold.train), Subset(self, fold.test))
