"""From two frames to a picture of motion, as data."""

import hashlib
import json
from typing import Literal

from pydantic import Field

from models_ml.config_base import Config

# Raised by whoever changes a feature's value, so that no cached one of another program is taken for it.
FEATURE_CODE_VERSION = 3


class FeatureConfig(Config):
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
