"""What a program needs to know to feed a model without this library: input, preprocessing, classes. Needs no torch."""

from collections.abc import Sequence
from typing import Any

from models_ml.config import RunConfig
from models_ml.config.features import FEATURE_CODE_VERSION

EXAMPLE = '''"""Classify features with ONNX Runtime: python example.py features.npy"""
import json, sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
features = np.load(sys.argv[1], allow_pickle=False).astype(np.float32)  # (N, 3, size, size), as preprocessing.json says
probabilities = session.run(["probabilities"], {"features": features})[0]
classes = json.load(open("preprocessing.json"))["classes"]
print([classes[i] for i in probabilities.argmax(axis=1)])
'''

_STEPS = {
    "none": "Stretch the whole frame to the crop.",
    "crop": "Find the face in the onset frame, and cut out its box from both frames, without rotation.",
    "similarity": "Find 68 landmarks in the onset frame. Move both frames by the similarity transform that brings eye "
    "corners and nose to fixed positions.",
}
_NORMALISATION = {
    "none": "Leave the intensities as they are.",
    "match": "Give the apex frame the mean and contrast of the onset frame.",
    "histogram": "Give the apex frame the histogram of the onset frame.",
    "clahe": "Equalise the local contrast (CLAHE) of both frames by the curves of the onset frame.",
}
_FLOW = {
    "tvl1": "TV-L1 optical flow from onset to apex.",
    "farneback": "Farnebäck's optical flow from onset to apex.",
    "dis": "DIS optical flow from onset to apex.",
}
_HEAD = {
    "none": "Leave the flow as it is.",
    "median": "Subtract the median flow of the crop.",
    "nose": "Subtract the median flow of the bridge and tip of the nose.",
    "similarity": "Subtract the shift, rotation and scale that fit the face best.",
}


def preprocessing_of(config: RunConfig, classes: Sequence[str], temperature: float | None) -> dict[str, Any]:
    """Return the input of a model as ``preprocessing.json`` has it."""
    features = config.features
    side = features.size
    return {
        "input": {
            "name": "features",
            "type": "float32",
            "shape": ["samples", 3, side, side],
            "channels": [
                {
                    "name": "u",
                    "unit": f"pixels of the {features.crop_size} pixel crop, to the right is positive",
                },
                {"name": "v", "unit": f"pixels of the {features.crop_size} pixel crop, downward is positive"},
                {"name": "strain", "unit": "none: the magnitude of the optical strain tensor"},
            ],
            "largest_value": 1e6,
        },
        "settings": features.model_dump(mode="json"),
        "feature_code_version": FEATURE_CODE_VERSION,
        "feature_settings_hash": features.content_hash(),
        "steps": [
            "Take the onset and the apex frame, in grey.",
            _STEPS[features.align],
            f"The crop has {features.crop_size}×{features.crop_size} pixels.",
            _NORMALISATION[features.normalise],
            _FLOW[features.flow],
            _HEAD[features.head_motion],
            "Compute the magnitude of the optical strain from the flow.",
            f"Average u, v and strain to {side}×{side} values.",
        ],
        "reference": "models_ml.motion.features.onset_apex_features computes exactly these values.",
        "normalisation": "None is needed: the scale of each channel is part of the network, the same for all databases. "
        "Mirroring is used in training only.",
        "outputs": {
            "probabilities": "(samples, classes) float32; the mean over the networks of an ensemble",
            **(
                {"calibrated_probabilities": f"the same, with temperature {temperature:.6g}"}
                if temperature
                else {}
            ),
        },
        "networks": config.ensemble,
        "classes": list(classes),
        "temperature": temperature,
    }
