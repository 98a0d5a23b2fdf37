"""Transformer layers of several networks at once. The tokens are the positions of a map (N, members × C, S, S)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_ml.nets.layers import Conv, Dropout
from models_ml.nets.shapes import MLP_RATIO


class LayerNorm(nn.Module):
    """Layer normalisation (Ba et al., 2016) of each position, over each member's own channels.

    >>> LayerNorm(2, 4)(torch.rand(1, 8, 3, 3)).unflatten(1, (2, 4)).mean(dim=2).abs().max() < 1e-6
    tensor(True)
    """

    def __init__(self, members: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, channels))
        self.bias = nn.Parameter(torch.zeros(members, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × channels, S, S) → the same shape."""
        positions = x.permute(0, 2, 3, 1).unflatten(3, self.weight.shape)
        normal = functional.layer_norm(positions, self.weight.shape[1:])
        return torch.addcmul(self.bias, normal, self.weight).flatten(3).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al., NIPS 2017, section 3.2) in each of ``cuts`` × ``cuts`` blocks of the map.

    Queries, keys and values have no biases: the bias of the keys would cancel out.

    >>> Attention(2, 8, heads=4, cuts=2)(torch.zeros(5, 16, 4, 4)).shape
    torch.Size([5, 16, 4, 4])
    """

    def __init__(self, members: int, channels: int, heads: int, cuts: int = 1) -> None:
        super().__init__()
        self.members, self.heads, self.cuts = members, heads, cuts
        self.scale = (channels // heads) ** -0.5
        self.query_key_value = Conv(members, channels, 3 * channels, 1, bias=False)
        self.out = Conv(members, channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × channels, S, S) → the same shape."""
        block = (self.cuts, x.shape[2] // self.cuts)
        parts = self.query_key_value(x).permute(0, 2, 3, 1).unflatten(3, (self.members, 3, self.heads, -1))
        parts = parts.unflatten(2, block).unflatten(1, block)  # (N, cut, y, cut, x, member, 3, head, channel)
        query, key, value = parts.permute(6, 0, 1, 3, 5, 7, 2, 4, 8).flatten(6, 7)
        weights = (self.scale * query @ key.transpose(-1, -2)).softmax(dim=-1)
        seen = (weights @ value).unflatten(5, (block[1], -1))  # (N, cut, cut, member, head, y, x, channel)
        seen = seen.permute(0, 1, 5, 2, 6, 3, 4, 7).flatten(5).flatten(3, 4).flatten(1, 2)
        return self.out(seen.permute(0, 3, 1, 2))


class TransformerLayer(nn.Module):
    """Attention and a perceptron of one hidden layer, each with layer normalisation before it and a shortcut around it.

    As in Dosovitskiy et al. (ICLR 2021), equations 2 and 3, with GELU and dropout. Parameters as for ``Attention``.

    >>> TransformerLayer(2, 8, heads=4, dropout=0.1)(torch.zeros(5, 16, 7, 7)).shape
    torch.Size([5, 16, 7, 7])
    """

    def __init__(self, members: int, channels: int, heads: int, dropout: float, cuts: int = 1) -> None:
        super().__init__()
        self.attend = nn.Sequential(
            LayerNorm(members, channels),
            Attention(members, channels, heads, cuts),
            Dropout(members, dropout),
        )
        self.perceptron = nn.Sequential(
            LayerNorm(members, channels),
            Conv(members, channels, MLP_RATIO * channels, 1),
            nn.GELU(),
            Conv(members, MLP_RATIO * channels, channels, 1),
            Dropout(members, dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × channels, S, S) → the same shape."""
        x = x + self.attend(x)
        return x + self.perceptron(x)


class Positions(nn.Module):
    """Adds a learnt embedding of each position within a block to the map, the same in each block.

    The initial embedding is about as large as the vector of a patch. With ViT's standard deviation of 0.02, a few hundred
    samples are not enough to learn where in the face something moves (tests/unit/models_ml/nets/test_learning.py).

    >>> Positions(2, 8, side=2)(torch.zeros(5, 16, 4, 4)).shape
    torch.Size([5, 16, 4, 4])
    """

    def __init__(self, members: int, channels: int, side: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(0.5 * torch.randn(members * channels, side, side))

    def forward(self, x: Tensor) -> Tensor:
        """(N, members × channels, S, S) → the same shape; S is a multiple of the block's side."""
        cuts = x.shape[2] // self.embedding.shape[1]
        return x + self.embedding.repeat(1, cuts, cuts)
