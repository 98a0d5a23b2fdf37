"""The most frequent class."""

import torch
from torch import Tensor, nn

from models_ml.config.nets.majority import Majority


class MajorityNet(nn.Module):
    """The classes' shares of the training samples, whatever the picture; ``training.classical`` fits them.

    >>> network = MajorityNet(Majority(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: Majority, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.log_shares = nn.Parameter(torch.zeros(members, classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        return self.log_shares.repeat(len(x), 1, 1)
