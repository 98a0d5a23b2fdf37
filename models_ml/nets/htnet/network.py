"""HTNet: a hierarchy of transformers, first within parts of the face, then across them."""

from torch import Tensor, nn

from models_ml.nets.htnet.config import Htnet
from models_ml.nets.layers import Conv, InputConv, Linear
from models_ml.nets.transformer import LayerNorm, Positions, TransformerLayer


class Network(nn.Module):
    """Hierarchical transformer network (Wang et al., Neurocomputing 602, 2024, section 3.3), on the whole flow image.

    With two levels, the patches of the image form four blocks, and the attention of the first transformer layers stays
    within each block. A 3×3 convolution, layer normalisation and 3×3 max-pooling of stride 2 then join the blocks to one,
    on which the last transformer layers work. The paper composes its image of four areas around eyes and lips.

    >>> import torch
    >>> network = Network(Htnet(), members=2, size=28, classes=3)
    >>> network(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 2, 3])
    """

    def __init__(self, net: Htnet, members: int, size: int, classes: int) -> None:
        super().__init__()
        self.members = members
        self.patches = InputConv(members, net.width, net.patch, net.patch)
        side = size // net.patch // 2 ** (net.levels - 1)  # of a block
        levels: list[nn.Module] = []
        for level in range(net.levels):
            width, cuts = net.width * 2**level, 2 ** (net.levels - 1 - level)
            heads = net.heads * 2**level
            levels.append(Positions(members, width, side))
            levels += [TransformerLayer(members, width, heads, net.dropout, cuts) for _ in range(net.layers)]
            if cuts > 1:
                levels += [
                    Conv(members, width, 2 * width, 3, padding=1),
                    LayerNorm(members, 2 * width),
                    nn.MaxPool2d(3, 2, 1),
                ]
        self.levels = nn.Sequential(*levels)
        self.norm = LayerNorm(members, width)
        self.classify = Linear(members, width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, size, size) float32 → (N, members, classes) logits."""
        x = self.norm(self.levels(self.patches(x)))
        return self.classify(x.mean(dim=(2, 3)).unflatten(1, (self.members, -1)))
