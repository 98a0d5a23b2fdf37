"""RCN-A: a recurrent convolutional network with attention."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.layers import BatchNorm, Conv, Dropout, InputConv, Linear, flatten_members
from models_ml.nets.rcn_a.config import STEPS, RcnA
from models_ml.nets.weights import initialise


class RecurrentConv(nn.Module):
    """Recurrent convolution layer (Liang & Hu, CVPR 2015), 2×2 max-pooling and dropout.

    A 1×1 convolution of the map gives the first state. Then a 3×3 convolution of map plus state gives the next state, twice
    and with the same weights.

    >>> RecurrentConv(1, 8, batch_norm=True, dropout=0.5)(torch.zeros(1, 8, 12, 12)).shape
    torch.Size([1, 8, 6, 6])
    """

    def __init__(self, members: int, width: int, batch_norm: bool, dropout: float) -> None:
        super().__init__()
        self.feed = Conv(members, width, width, 1, bias=not batch_norm)
        self.feed_norm = BatchNorm(members, width) if batch_norm else nn.Identity()
        self.recur = Conv(members, width, width, 3, padding=1, bias=not batch_norm)
        self.recur_norm = BatchNorm(members, width) if batch_norm else nn.Identity()
        self.dropout = Dropout(members, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × width, S, S) → (N, members × width, S/2, S/2)."""
        state = functional.relu(self.feed_norm(self.feed(x)), inplace=True)
        for _ in range(STEPS):
            state = functional.relu(self.recur_norm(self.recur(x + state)), inplace=True)
        return self.dropout(functional.max_pool2d(state, 2))


class Network(nn.Module):
    """Recurrent convolutional network with an attention unit, RCN-A (Xia et al., IEEE TIP 29, 2020, section III-C).

    5×5 convolution, 2×2 max-pooling, recurrent convolution layers, and averaging to a grid. The attention unit has no
    weights of its own: the classifier's weights show how much each position of the first map supports each class.

    >>> network = Network(RcnA(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: RcnA, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members, self.grid = members, net.grid
        batch = net.norm == "batch"
        self.conv = InputConv(members, net.width, 5, bias=not batch)
        self.norm = BatchNorm(members, net.width) if batch else nn.Identity()
        self.dropout = Dropout(members, net.dropout)
        self.recurrent = nn.Sequential(
            *(RecurrentConv(members, net.width, batch, net.dropout) for _ in range(net.layers))
        )
        self.classify = Linear(members, net.width * net.grid**2, classes)
        initialise(self)
        nn.init.normal_(self.classify.weight, std=0.01)  # as the authors do

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        x = functional.relu(self.norm(self.conv(x)), inplace=True)
        x = self.dropout(functional.max_pool2d(x, 2))
        attention = self.attention(self._on_grid(x))
        return self.classify((self._on_grid(self.recurrent(x)) * attention).flatten(2))

    def attention(self, positions: Tensor) -> Tensor:
        """Return the attention to each position of the first map, between 0 and 1.

        For each class, the channels are weighted as the classifier weights them, averaged and scaled to 0…1; then the
        classes are averaged.

        Parameters
        ----------
        positions
            (N, members, C, P), the first map on the grid.

        Returns
        -------
        Tensor
            (N, members, 1, P).
        """
        weights = self.classify.weight.unflatten(2, positions.shape[2:])
        support = torch.einsum("nmcp,mkcp->nmkp", positions, weights) / positions.shape[2]
        support = support - support.amin(dim=3, keepdim=True)
        # A map whose positions are all equal gets no attention.
        support = support / support.amax(dim=3, keepdim=True).clamp(min=1e-9)
        return support.mean(dim=2, keepdim=True)

    def _on_grid(self, x: Tensor) -> Tensor:
        """(N, members × C, S, S) → (N, members, C, P), averaged to the positions of the grid."""
        grid = functional.adaptive_avg_pool2d(x, self.grid)
        return flatten_members(grid, self.members).unflatten(2, (-1, self.grid**2))
