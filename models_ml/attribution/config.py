"""How an attribution is computed, as data. Imports no torch."""

import hashlib
import json
from typing import Literal

from pydantic import Field

from models_ml.config_base import Config

Method = Literal["occlusion", "gradients"]
# Raise it with every change of the code that changes an attribution: results of older code are then computed again.
ATTRIBUTION_VERSION = 1
CHANNELS = ("u", "v", "strain")  # of the features, in their order
ALL = "all"  # the three channels together
TITLES = {"occlusion": "Occlusion", "gradients": "Integrated gradients"}


class AttributionConfig(Config):
    """How the attribution of each sample is computed. The baseline of both methods is a face without motion."""

    method: Method = Field(
        "occlusion",
        title="Method",
        description="occlusion: how much the probability falls if the motion in a patch is removed; gradients: integrated "
        "gradients, from no motion to the sample.",
    )
    patch: float = Field(
        0.2,
        ge=0.02,
        le=0.5,
        title="Patch",
        description="Side of the patch as a share of the image's side; occlusion only.",
    )
    stride: float = Field(
        0.07,
        ge=0.01,
        le=0.5,
        title="Stride",
        description="Distance of neighbouring patches as a share of the image's side; occlusion only.",
    )
    steps: int = Field(
        32,
        ge=8,
        le=512,
        title="Steps",
        description="Points on the path from no motion to the sample; doubled, up to 1024, where the sum is off by more "
        "than 0.01. Integrated gradients only.",
    )

    def pixels(self, size: int) -> tuple[int, int]:
        """Return patch and stride in pixels of an image of ``size`` × ``size``.

        >>> AttributionConfig().pixels(28)
        (6, 2)
        """
        return max(1, round(self.patch * size)), max(1, round(self.stride * size))

    def content_hash(self) -> str:
        """Return the SHA-256 (hex) of the method, its own settings and the version of the code."""
        own = {"steps"} if self.method == "gradients" else {"patch", "stride"}
        parts = [ATTRIBUTION_VERSION, self.model_dump(mode="json", include={"method", *own})]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
