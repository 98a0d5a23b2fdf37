"""Settings of compact VGG-M, without and with spatial pyramid pooling (SPP) after one of its layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from models_ml.config_base import ShapeError, located
from models_ml.nets.base import CHANNELS, BaseNet
from models_ml.nets.shapes import Layer, Shapes, window


@dataclass(frozen=True)
class ConvLayer:
    """One layer of a base network: same-padded convolution, ReLU, [LRN], [unpadded max-pooling of stride 2]."""

    channels: int  # at width 1
    kernel: int
    stride: int
    normalise: bool
    pool: int | None


# VGG-M (Chatfield et al., BMVC 2014, table 1) for 28×28 flow images instead of 224×224 photographs: layer 1 has a 5×5
# instead of a 7×7 kernel; layer 2 has neither stride nor pooling, so that layers 1 to 4 leave a 6×6 map to the pyramid.
VGG_M_LAYERS = (
    ConvLayer(channels=96, kernel=5, stride=2, normalise=True, pool=3),
    ConvLayer(channels=256, kernel=3, stride=1, normalise=True, pool=None),
    ConvLayer(channels=512, kernel=3, stride=1, normalise=False, pool=None),
    ConvLayer(channels=512, kernel=3, stride=1, normalise=False, pool=None),
    ConvLayer(channels=512, kernel=3, stride=1, normalise=False, pool=3),
)
HIDDEN = 512  # units of the classifier at width 1
CLASSIFIER_SIDE = 6  # VGG-M's fc6 sees a 6×6 map; larger maps are averaged down to it


class VggM(BaseNet):
    """Compact VGG-M, the base network of the study of Sian et al. (2021)."""

    title: ClassVar[str] = "VGG-M"
    paper: ClassVar[str] = "Chatfield et al., BMVC 2014"
    position: ClassVar[int] = 2
    small: ClassVar[Mapping[str, Any]] = {"width": 0.05}

    name: Literal["vgg_m"] = Field("vgg_m", title="Network", description="Network to train.")
    layers: int = Field(
        3, ge=1, le=len(VGG_M_LAYERS), title="Layers", description="Convolution layers taken from VGG-M."
    )
    width: float = Field(
        0.125,
        ge=0.01,
        le=2,
        title="Width",
        description="Factor on the number of channels of VGG-M's layers (96, 256, 512, …).",
    )
    norm: Literal["lrn", "batch", "none"] = Field(
        "lrn",
        title="Normalisation layers",
        description="lrn: local response normalisation after layers 1 and 2, as in VGG-M; batch: batch "
        "normalisation after each convolution; none: no normalisation.",
    )
    dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Dropout",
        description="In training, drops this share of the classifier's hidden units.",
    )

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        shapes = Shapes(CHANNELS, size)
        for number, layer in enumerate(VGG_M_LAYERS[: self.layers], start=1):
            self._conv(shapes, number, layer)
            self._after(shapes, number)
        hidden = scaled(HIDDEN, self.width)
        shapes.linear("hidden layer", hidden, shapes.channels * min(shapes.side, CLASSIFIER_SIDE) ** 2)
        shapes.linear("classifier", classes)
        return shapes.layers

    def _conv(self, shapes: Shapes, number: int, layer: ConvLayer) -> None:
        shapes.conv(
            f"layer {number}",
            scaled(layer.channels, self.width),
            layer.kernel,
            layer.stride,
            layer.kernel // 2,
            pool=None if layer.pool is None else (layer.pool, 2, 0),
            batch_norm=self.norm == "batch",
            bias=self.norm != "batch",
            field="layers",
        )

    def _after(self, shapes: Shapes, number: int) -> None:
        """Add what follows a layer: nothing here."""

    def describe(self) -> str:
        return f"VGG-M, {self.layers} layer{'s' if self.layers > 1 else ''}"


class VggMSpp(VggM):
    """Compact VGG-M with a spatial pyramid pooling (SPP) module after one of its layers."""

    title: ClassVar[str] = "VGG-M with SPP"
    paper: ClassVar[str] = "Sian et al., IJACSA 12(12), 2021"
    position: ClassVar[int] = 1
    small: ClassVar[Mapping[str, Any]] = {"width": 0.05, "kernels": [2, 3]}

    name: Literal["vgg_m_spp"] = Field("vgg_m_spp", title="Network", description="Network to train.")  # type: ignore[assignment]
    placement: int = Field(
        2,
        ge=1,
        le=len(VGG_M_LAYERS),
        title="Placement",
        description="Layer after which the SPP module comes; at most the last one.",
    )
    kernels: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(
        (2, 3, 4, 5, 6),
        max_length=12,
        json_schema_extra={"minItems": 1, "uniqueItems": True},
        title="Kernels",
        description="One parallel branch per value. concat: side and stride of its pooling window; grid: bins per side. "
        "No value may be larger than the map.",
    )
    pooling: Literal["average", "max"] = Field(
        "average",
        title="Pooling",
        description="Whether each branch takes the average or the maximum of a window.",
    )
    fusion: Literal["concat", "grid"] = Field(
        "concat",
        title="Fusion",
        description="concat: branches are resized to the map's size and stacked on it; grid: fixed grids, flattened to one "
        "vector (He et al. 2014), so that only the classifier can follow.",
    )
    reduction: float = Field(
        0.25,
        ge=0.01,
        le=1,
        title="Reduction",
        description="Channels that each concat branch keeps, as a share of the map's channels.",
    )

    @field_validator("placement")
    @classmethod
    def _check_placement(cls, placement: int, info: ValidationInfo) -> int:
        layers = info.data.get("layers")
        if layers is not None and placement > layers:
            raise located(
                (),
                placement,
                f"Placement {placement} is after the last layer: the network has {layers}. Choose a placement of at most "
                f"{layers}, or more layers.",
            )
        return placement

    @field_validator("kernels")
    @classmethod
    def _check_different(cls, kernels: tuple[int, ...]) -> tuple[int, ...]:
        if not kernels:
            raise located((), [], "Give at least one kernel, for example 2, 3, 4, 5, 6.")
        for i, kernel in enumerate(kernels):
            if kernel in kernels[:i]:
                raise located(
                    (i,), kernel, f"Kernel {kernel} is given twice. Each branch needs a kernel of its own."
                )
        return kernels

    @field_validator("fusion")
    @classmethod
    def _check_fusion(cls, fusion: str, info: ValidationInfo) -> str:
        layers, placement = info.data.get("layers"), info.data.get("placement")
        if fusion == "grid" and layers is not None and placement is not None and placement < layers:
            raise located(
                (),
                fusion,
                f"Grid fusion makes one vector, which layer {placement + 1} cannot convolve. Set layers to {placement}, "
                f"placement to {layers}, or fusion to concat.",
            )
        return fusion

    def _after(self, shapes: Shapes, number: int) -> None:
        if number != self.placement:
            return
        self._check_kernels(shapes, number)
        if self.fusion == "grid":
            shapes.channels, shapes.side = shapes.channels * sum(bins**2 for bins in self.kernels), 1
            return
        branch = scaled(shapes.channels, self.reduction)
        positions = sum(window(shapes.side + kernel - 1, kernel, kernel, 0) ** 2 for kernel in self.kernels)
        weights, branches = shapes.channels * branch, len(self.kernels)
        shapes.channels += branch * branches
        shapes.other("pyramid", (weights + branch) * branches, weights * positions)

    def _check_kernels(self, shapes: Shapes, number: int) -> None:
        side, size = shapes.side, shapes.input_side
        for i, kernel in enumerate(self.kernels):
            if kernel > side:
                raise ShapeError(
                    f"Kernel {kernel} is larger than the {side}×{side} map after layer {number} "
                    f"(input {size}×{size}). Choose a smaller kernel, an earlier placement or a larger feature size.",
                    "kernels",
                    i,
                )

    def describe(self) -> str:
        kernels = ", ".join(str(k) for k in self.kernels)
        return f"SPP after layer {self.placement}, {self.pooling} {kernels}, {self.fusion}"


def scaled(channels: int, factor: float) -> int:
    """Return ``factor`` times ``channels``, rounded, at least 1."""
    return max(1, round(channels * factor))
