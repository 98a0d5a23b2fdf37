"""Dropout that draws from a stream of its own."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout (Srivastava et al., JMLR 2014) with masks from ``generator``, not from torch's global stream.

    The trainer gives each fold a generator, so that a fold draws the same masks whatever runs beside it. The
    masks are drawn on the CPU: they are the same on every device.

    >>> layer = Dropout(0.5)
    >>> layer.generator = torch.Generator().manual_seed(7)
    >>> layer(torch.ones(1, 4)).shape
    torch.Size([1, 4])
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return x
        keep = torch.rand(x.shape, generator=self.generator) >= self.share
        return x * (keep.to(x) / (1 - self.share))
