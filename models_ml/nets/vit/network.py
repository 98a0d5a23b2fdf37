"""A small vision transformer."""

from torch import Tensor, nn

from models_ml.nets.layers import InputConv, Linear
from models_ml.nets.transformer import LayerNorm, Positions, TransformerLayer
from models_ml.nets.vit.config import Vit


class Network(nn.Module):
    """Vision transformer (Dosovitskiy et al., ICLR 2021, section 3.1).

    The image is cut into patches, and each patch becomes a vector. Transformer layers relate all patches to each other. The
    classifier sees their average (as in the paper's appendix D.3) instead of a class token.

    >>> import torch
    >>> network = Network(Vit(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: Vit, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        self.patches = InputConv(members, net.width, net.patch, net.patch)
        self.positions = Positions(members, net.width, size // net.patch)
        self.layers = nn.Sequential(
            *(TransformerLayer(members, net.width, net.heads, net.dropout) for _ in range(net.layers))
        )
        self.norm = LayerNorm(members, net.width)
        self.classify = Linear(members, net.width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        x = self.norm(self.layers(self.positions(self.patches(x))))
        return self.classify(x.mean(dim=(2, 3)).unflatten(1, (self.members, -1)))
