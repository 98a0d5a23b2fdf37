"""The key of a sample's features; imports neither PyTorch nor OpenCV, so that web processes can compute it."""

import hashlib
import json

from models_ml.config import FEATURE_CODE_VERSION, FeatureConfig

DEVICES = ("cpu", "cuda")  # that solve TV-L1


def feature_key(clip_sha256: str, onset: int, apex: int, config: FeatureConfig, device: str = "cpu") -> str:
    """Return the key under which features can be cached: SHA-256 (hex) of everything that they depend on.

    The kind of device is part of the key, because the last bits of TV-L1 depend on it.

    Examples
    --------
    >>> feature_key("ab" * 32, 10, 20, FeatureConfig()) == feature_key("ab" * 32, 10, 21, FeatureConfig())
    False
    """
    parts = {
        "version": FEATURE_CODE_VERSION,
        "clip": clip_sha256,
        "onset": onset,
        "apex": apex,
        "config": config.model_dump(mode="json"),
        "device": device if config.flow == "tvl1" else "cpu",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
