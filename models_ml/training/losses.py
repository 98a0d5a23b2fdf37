"""The loss of each member of a bundle."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_ml.classes import CLASSES
from models_ml.config import TrainConfig
from models_ml.training.augment import Mix


class Loss:
    """Cross-entropy or focal loss of each sample and member.

    Parameters
    ----------
    settings
        Of each member. Only settings of the loss may differ.
    class_weights
        (members, classes).
    """

    def __init__(self, settings: Sequence[TrainConfig], class_weights: Tensor) -> None:
        device = class_weights.device
        self._class_weights = class_weights
        self._smoothing = torch.tensor([s.label_smoothing for s in settings], device=device)[:, None]
        gammas = [s.focal_gamma if s.loss == "focal" else 0.0 for s in settings]
        self._gamma = torch.tensor(gammas, device=device)[:, None] if any(gammas) else None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compute the losses: (N, members, classes) logits, (N, classes) shares of the labels → (N, members).

        Focal loss is ``-(1 - p_c)^γ log p_c`` (Lin et al., ICCV 2017, equation 4), summed over the shares of the label.
        """
        log_p = logits.log_softmax(dim=2)
        shares = targets[:, None] * (1 - self._smoothing) + self._smoothing / targets.shape[1]
        if self._gamma is not None:
            # Slightly above zero, because a power of 0 has no gradient where γ < 1.
            shares = shares * (1 - log_p.exp()).clamp(min=1e-6) ** self._gamma
        return -(shares * log_p).sum(dim=2) * (targets @ self._class_weights.T)


def label_shares(labels: Tensor, mix: Mix | None) -> Tensor:
    """Return labels (N,) as shares (N, classes) float32: ones and zeros, or blended as the images are."""
    shares = torch.nn.functional.one_hot(labels, len(CLASSES)).float()
    if mix is None:
        return shares
    kept = mix.share[:, None].to(shares.device)
    return kept * shares + (1 - kept) * shares[mix.partner.to(shares.device)]


def class_weights(labels: NDArray[np.int64], kind: str) -> Tensor:
    """Return the weight of each class in the loss, (classes,) float32; their mean over ``labels`` is 1.

    "balanced" gives each class that occurs the same total weight; a class that does not occur gets the weight 0.

    >>> class_weights(np.array([0, 0, 0, 2]), "balanced")
    tensor([0.6667, 0.0000, 2.0000])
    """
    if kind == "none":
        return torch.ones(len(CLASSES))
    counts = np.bincount(labels, minlength=len(CLASSES))
    present = counts > 0
    weights = np.where(present, len(labels) / (present.sum() * np.maximum(counts, 1)), 0.0)
    return torch.from_numpy(weights.astype(np.float32))
