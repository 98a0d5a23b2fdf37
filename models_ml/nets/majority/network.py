"""The most frequent class."""

import torch
from torch import Tensor, nn

from models_ml.nets.fitted import FittedNetwork
from models_ml.nets.majority.config import Majority


class Network(FittedNetwork):
    """Predicts each class's share of the training samples, for any image.

    >>> network = Network(Majority(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: Majority, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.log_shares = nn.Parameter(torch.zeros(members, classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        return self.log_shares.repeat(x.shape[0], 1, 1)

    @torch.no_grad()
    def fit(self, images: Tensor, labels: Tensor, balanced: bool) -> None:
        """Set the shares, with one more sample of each class: no class is impossible.

        >>> network = Network(Majority(), members=1, size=28, classes=3)
        >>> network.fit(torch.zeros(3, 3, 28, 28), torch.tensor([0, 0, 2]), balanced=False)
        >>> network.log_shares.exp().detach()
        tensor([[0.5000, 0.1667, 0.3333]])
        """
        counts = torch.bincount(labels, minlength=self.log_shares.shape[1]).double() + 1
        self.log_shares.copy_((counts / counts.sum()).log())
