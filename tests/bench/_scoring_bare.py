"""Score clips with models_ml alone: a list of clips per line of standard input, the seconds per line of output.

Run with the environment of a platform, only to find its files: ``python -m tests.bench._scoring_bare MODEL``.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
import django

django.setup()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402

from mer_platform.clips.models import Clip  # noqa: E402
from mer_platform.registry.models import ModelVersion  # noqa: E402
from models_ml.evaluation.certainty import certainties  # noqa: E402
from models_ml.motion.clips import aligned_pairs  # noqa: E402
from models_ml.motion.features import features_of_pairs, flow_device  # noqa: E402
from models_ml.training.model import TrainedModel  # noqa: E402
from workers.feature_cache import AT_ONCE  # noqa: E402


def main() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    stored = default_storage.path(ModelVersion.objects.get(pk=int(sys.argv[1])).file)
    model = TrainedModel.load_bytes(Path(stored).read_bytes()).on(flow_device())
    for line in sys.stdin:
        wanted = json.loads(line)
        clips = Clip.objects.in_bulk([item["clip"] for item in wanted])
        files = [(Path(default_storage.path(clips[i["clip"]].file)), i["onset"], i["apex"]) for i in wanted]
        print(json.dumps(loop(model, files)), flush=True)


def loop(model: TrainedModel, files: list[tuple[Path, int, int]]) -> dict[str, Any]:
    """Return the seconds for all files, and of each stage."""
    stages = {"decode": 0.0, "features": 0.0, "network": 0.0}
    config, size = model.config.features, AT_ONCE[flow_device()]
    began = last = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal last
        now = time.perf_counter()
        stages[stage] += now - last
        last = now

    for start in range(0, len(files), size):
        pairs = []
        for path, onset, apex in files[start : start + size]:
            _, pair = next(aligned_pairs(path, [(onset, apex)], config))
            if isinstance(pair, Exception):
                raise pair
            pairs.append(pair)
        lap("decode")
        features = features_of_pairs(pairs, config, flow_device())
        lap("features")
        found = certainties(model.predict_members(features))
        assert np.isfinite(found[0].probabilities).all()
        lap("network")
    return {"seconds": time.perf_counter() - began, "stages": stages}


if __name__ == "__main__":
    main()
