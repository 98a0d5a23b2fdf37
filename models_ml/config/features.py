"""How features are computed from two frames, as data."""

import hashlib
import json
from typing import Literal

from pydantic import Field

from models_ml.config_base import Config

# Raise it with every change of the code that changes a feature's value: cached values of older code are then not used.
FEATURE_CODE_VERSION = 3


class FeatureConfig(Config):
    """How the features of a sample are computed from its onset and apex frames."""

    flow: Literal["tvl1", "farneback", "dis"] = Field(
        "tvl1", title="Optical flow", description="Method that measures the motion from onset to apex."
    )
    size: int = Field(28, ge=8, le=256, title="Size", description="Side of the flow image, in pixels.")
    align: Literal["none", "crop", "similarity"] = Field(
        "similarity",
        title="Face alignment",
        description="none: use the whole frame; crop: cut out the face box; similarity: move eye corners and nose to fixed "
        "positions. Found in the onset frame and applied to both frames.",
    )
    crop_size: int = Field(
        128,
        ge=32,
        le=512,
        title="Crop size",
        description="Side of the face crop on which the flow is measured, in pixels.",
    )
    normalise: Literal["none", "match", "histogram", "clahe"] = Field(
        "none",
        title="Intensity normalisation",
        description="match: give the apex frame the mean and contrast of the onset frame; histogram: give it the "
        "onset frame's histogram; clahe: equalise local contrast (CLAHE) in both frames by the onset frame's curves.",
    )
    head_motion: Literal["none", "median", "nose", "similarity"] = Field(
        "median",
        title="Head motion",
        description="Subtracted as motion of the whole head. median: the median flow of the crop; nose: the median flow of "
        "the bridge and tip of the nose; similarity: the shift, rotation and scale that fit the face best.",
    )

    def content_hash(self) -> str:
        """Return the SHA-256 (hex) of these settings and of the version of the code that applies them."""
        parts = [FEATURE_CODE_VERSION, self.model_dump(mode="json")]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
