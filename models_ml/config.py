"""What a run is, as data: features, network, training.

Everything here is validated where it is typed in (a form, the API, a JSON file), so it imports neither torch
nor OpenCV. ``RunConfig.model_json_schema()`` carries a title, a description and the bounds of every field.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from models_ml.errors import InputError


@dataclass(frozen=True)
class ConvLayer:
    """One layer of a base network: same-padded convolution, ReLU, [LRN], [unpadded max-pool of stride 2]."""

    channels: int  # at width 1
    kernel: int
    stride: int
    normalise: bool
    pool: int | None

    def side_after(self, side: int) -> int:
        """Side of the square map made of a ``side`` × ``side`` one; less than 1 where nothing is left."""
        side = (side - 1) // self.stride + 1
        return side if self.pool is None else (side - self.pool) // 2 + 1


# VGG-M (Chatfield et al., BMVC 2014, table 1) for 28×28 flow images instead of 224×224 photographs: layer 1
# is as there but 5×5; layer 2 neither steps nor pools, so that layers 1 to 4 leave a 6×6 map to the pyramid.
VGG_M_LAYERS = (
    ConvLayer(channels=96, kernel=5, stride=2, normalise=True, pool=3),
    ConvLayer(channels=256, kernel=3, stride=1, normalise=True, pool=None),
    ConvLayer(channels=512, kernel=3, stride=1, normalise=False, pool=None),
    ConvLayer(channels=512, kernel=3, stride=1, normalise=False, pool=None),
    ConvLayer(channels=512, kernel=3, stride=1, normalise=False, pool=3),
)


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# Raised by whoever changes a feature's value, so that no cached one of another program is taken for it.
FEATURE_CODE_VERSION = 3


class FeatureConfig(_Config):
    """From the onset and the apex frame to the picture of motion the network sees."""

    flow: Literal["tvl1", "farneback", "dis"] = Field(
        "tvl1", title="Optical flow", description="Method that measures the motion from onset to apex."
    )
    size: int = Field(28, ge=8, le=256, title="Size", description="Side of the flow image, in pixels.")
    align: Literal["none", "crop", "similarity"] = Field(
        "similarity",
        title="Face alignment",
        description="none: the whole frame; crop: the face box; similarity: eye corners and nose brought "
        "to fixed places. Found in the onset frame and applied to both frames alike.",
    )
    crop_size: int = Field(
        128, ge=32, le=512, title="Crop size", description="Side of the face crop on which flow is measured."
    )
    normalise: Literal["none", "match", "histogram", "clahe"] = Field(
        "none",
        title="Intensity normalisation",
        description="match: the apex frame's mean and contrast made those of the onset frame; histogram: its "
        "whole histogram; clahe: local contrast evened out (CLAHE), both frames by the onset's curves.",
    )
    head_motion: Literal["none", "median", "nose", "similarity"] = Field(
        "median",
        title="Head motion",
        description="What is subtracted as the head's own motion. median: the crop's median flow; nose: the "
        "median flow of bridge and tip of the nose; similarity: shift, turn and growth that fit the face best.",
    )

    def content_hash(self) -> str:
        """SHA-256 (hex) of these settings and of the code that follows them."""
        parts = [FEATURE_CODE_VERSION, self.model_dump(mode="json")]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class NetConfig(_Config):
    """Compact VGG-M with a spatial pyramid pooling (SPP) module after one of its layers."""

    name: Literal["vgg_m_spp"] = Field("vgg_m_spp", title="Network", description="Family of networks.")
    layers: int = Field(
        3, ge=1, le=len(VGG_M_LAYERS), title="Layers", description="Convolution layers kept of VGG-M."
    )
    width: float = Field(
        0.125,
        ge=0.01,
        le=2,
        title="Width",
        description="Factor on VGG-M's numbers of channels (96, 256, 512…).",
    )
    placement: int = Field(
        2,
        ge=1,
        le=len(VGG_M_LAYERS),
        title="Placement",
        description="The SPP module comes after this layer, at most the last one.",
    )
    kernels: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
        (2, 3, 4, 5, 6),
        max_length=12,
        json_schema_extra={"minItems": 1, "uniqueItems": True},
        title="Kernels",
        description="One parallel branch each. Concat: side of the pooling window, which also is its stride. "
        "Grid: bins a side. None may be larger than the map it pools.",
    )
    pooling: Literal["average", "max"] = Field(
        "average", title="Pooling", description="How each branch pools."
    )
    fusion: Literal["concat", "grid"] = Field(
        "concat",
        title="Fusion",
        description="concat: branches brought back to the map's size and stacked on it; grid: fixed grids "
        "flattened to one vector (He et al. 2014), which only the classifier can follow.",
    )
    reduction: float = Field(
        0.25,
        ge=0.01,
        le=1,
        title="Reduction",
        description="Channels a concat branch keeps, as a share of the map's.",
    )
    dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Dropout",
        description="Share of the classifier's units dropped in training.",
    )

    @model_validator(mode="after")
    def _check_pyramid(self) -> Self:
        if self.placement > self.layers:
            raise _located(
                ("placement",),
                self.placement,
                f"placement {self.placement} is after the last layer: the network has {self.layers} "
                f"(choose a placement of at most {self.layers}, or more layers)",
            )
        if not self.kernels:
            raise _located(("kernels",), [], "give at least one kernel, for example 2, 3, 4, 5, 6")
        for i, kernel in enumerate(self.kernels):
            if kernel in self.kernels[:i]:
                raise _located(
                    ("kernels", i), kernel, f"kernel {kernel} is given twice; each branch needs its own"
                )
        if self.fusion == "grid" and self.placement < self.layers:
            raise _located(
                ("fusion",),
                self.fusion,
                f"grid fusion makes one vector, which layer {self.placement + 1} cannot convolve: "
                f"set layers to {self.placement}, placement to {self.layers}, or fusion to concat",
            )
        return self


class TrainConfig(_Config):
    """How each fold is trained. The epoch that counts is always the last."""

    epochs: int = Field(30, ge=1, le=2000, title="Epochs", description="Passes over the training samples.")
    batch_size: int = Field(16, ge=1, le=4096, title="Batch size", description="Samples in one step.")
    optimizer: Literal["adam", "sgd"] = Field(
        "adam", title="Optimiser", description="adam: Adam with decoupled weight decay; sgd: momentum 0.9."
    )
    learning_rate: float = Field(
        2e-3,
        ge=1e-6,
        le=1,
        title="Learning rate",
        description="At the start; falls to zero along a half cosine.",
    )
    weight_decay: float = Field(
        1e-3, ge=0, le=1, title="Weight decay", description="Shrinks weights, against overfitting."
    )
    class_weights: Literal["balanced", "none"] = Field(
        "balanced",
        title="Class weights",
        description="balanced: each class of the training samples weighs the same in the loss.",
    )
    flip: bool = Field(
        True,
        title="Flip",
        description="Mirror half of the training samples at random; horizontal motion changes its sign.",
    )


class RunConfig(_Config):
    """One run: with a composite version, all that its predictions depend on.

    >>> RunConfig().net.kernels
    (2, 3, 4, 5, 6)
    >>> RunConfig.model_validate({"net": {"kernels": [2, 9]}})
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for RunConfig
    net.kernels.1
      kernel 9 is larger than the 6×6 map after layer 2 (input 28×28): ...
    """

    features: FeatureConfig = Field(FeatureConfig(), title="Features")
    net: NetConfig = Field(NetConfig(), title="Network")
    train: TrainConfig = Field(TrainConfig(), title="Training")
    protocol: Literal["loso"] = Field(
        "loso", title="Protocol", description="loso: leave one subject out, each in turn."
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, title="Seed", description="Every random stream is drawn from it."
    )

    @model_validator(mode="after")
    def _check_maps(self) -> Self:
        size = self.features.size
        try:
            name, side = map_sizes(self.net, size)[self.net.placement - 1]
        except InputError as error:
            raise _located(("net", "layers"), self.net.layers, str(error)) from None
        for i, kernel in enumerate(self.net.kernels):
            if kernel > side:
                raise _located(
                    ("net", "kernels", i),
                    kernel,
                    f"kernel {kernel} is larger than the {side}×{side} map after {name} "
                    f"(input {size}×{size}): choose a smaller kernel, an earlier placement or a larger "
                    "feature size",
                )
        return self

    def content_hash(self) -> str:
        """SHA-256 (hex) of the whole configuration, however it was written."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def map_sizes(net: NetConfig, size: int) -> list[tuple[str, int]]:
    """Side of the square map after each layer of the base network, for a ``size`` × ``size`` input.

    Raises InputError where nothing would be left of the map.

    >>> map_sizes(NetConfig(), 28)
    [('layer 1', 6), ('layer 2', 6), ('layer 3', 6)]
    """
    sizes: list[tuple[str, int]] = []
    side = size
    for number, layer in enumerate(VGG_M_LAYERS[: net.layers], start=1):
        before, side = side, layer.side_after(side)
        if side < 1:
            raise InputError(
                f"nothing is left of the {before}×{before} map after layer {number}, which ends in a "
                f"{layer.pool}×{layer.pool} pooling (input {size}×{size}): use fewer layers or a larger "
                "feature size"
            )
        sizes.append((f"layer {number}", side))
    return sizes


def _located(loc: tuple[str | int, ...], value: object, message: str) -> ValidationError:
    """A validation error at ``loc``, so that a form can show it next to its field."""
    kind = PydanticCustomError("configuration", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "configuration", [InitErrorDetails(type=kind, loc=loc, input=value)]
    )
