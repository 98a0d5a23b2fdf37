"""Speed of feature extraction and of TV-L1, and agreement with OpenCV's TV-L1.

Inputs are decoded onset and apex frames: synthetic expressions at 640×480, real clips if available, and a face photograph
warped by a known smile. The reference is the usual script: it finds face and landmarks with dlib in both frames at full
size, and runs OpenCV's TV-L1 with default settings on the full-size face, in one process. The platform's own code runs in
one process per core. Both process the same pairs, in turns.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
from skimage.data import astronaut

from models_ml.config import FeatureConfig
from models_ml.face.detect import _model_file, get_detector, to_grey
from models_ml.motion.features import aligned_pair, features_of_pairs
from models_ml.motion.flow import Flow, optical_strain, tvl1
from models_ml.motion.head import without_median
from models_ml.synthetic.clip import render
from models_ml.synthetic.demo import demo_clips
from models_ml.video.decode import read_frames
from tests.bench import report

Pair = tuple[np.ndarray, np.ndarray]
CONFIG = FeatureConfig()
REAL = {"single_face.mp4": (10, 20), "carphone_pristine.mp4": (5, 20), "face_noface.mov": (5, 25)}
CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "clips"
SYNTHETIC, ROUNDS, AT_ONCE = 12, 3, 8


def main() -> None:
    expressions, talking = [*synthetic_pairs(), *photograph_pairs()], list(real_pairs())
    pairs = [*expressions, *talking]
    print(f"{len(pairs)} pairs, {os.cpu_count()} cores", flush=True)
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), _one_thread) as pool:
        speed(pairs, pool)
        solvers(pairs, pool)
    agreement("expressions", expressions)
    if talking:
        agreement("talking heads that move by ten pixels", talking)


def speed(pairs: list[Pair], pool: Any) -> None:
    """Measure the clips per second of both, in turns on the same pairs."""
    ours_list = [pairs[k::2] for k in range(2)]
    pool.map(extract, ours_list)  # loads the models
    usual(*pairs[0])
    ours = theirs = 0.0
    for chunk in np.array_split(np.arange(len(pairs)), ROUNDS):
        part = [pairs[k] for k in chunk]
        ours += _seconds(lambda part=part: pool.map(extract, [part[k::2] for k in range(2)]))
        theirs += _seconds(lambda part=part: [usual(*pair) for pair in part])
    report(
        "features: extraction",
        len(pairs) / ours,
        "clips/s",
        "the usual script",
        len(pairs) / theirs,
        "at least",
        5,
    )


def solvers(pairs: list[Pair], pool: Any) -> None:
    """Compare our TV-L1 with OpenCV's, tuned as before ours existed, on the same 128×128 crops."""
    crops = [aligned_pair(*pair, CONFIG) for pair in pairs]
    stacks = np.stack([crop.onset for crop in crops]), np.stack([crop.apex for crop in crops])
    tasks = [(solver, *(stack[k::2] for stack in stacks)) for solver in ("torch", "opencv") for k in range(2)]
    pool.map(solve, tasks)
    one: dict[str, float] = dict.fromkeys(("torch", "opencv"), 0.0)
    two = dict(one)
    for _ in range(ROUNDS):
        for solver in one:
            one[solver] += pool.apply(solve, ((solver, *stacks),))
            halves = [task for task in tasks if task[0] == solver]
            two[solver] += _seconds(lambda halves=halves: pool.map(solve, halves))
    each = 1000 / ROUNDS / len(pairs)
    for name, seconds in (("1 thread", one), ("2 processes", two)):
        report(
            f"features: TV-L1 in PyTorch, {name}",
            seconds["torch"] * each,
            "ms per pair",
            "OpenCV's, tuned, with early stopping",
            seconds["opencv"] * each,
            "at most",
        )


def agreement(what: str, pairs: list[Pair]) -> None:
    """Correlate the 28×28 u and v with OpenCV's TV-L1 with default settings on the same crop."""
    solver = cv2.optflow.DualTVL1OpticalFlow.create()
    found = []
    for pair in pairs:
        crop = aligned_pair(*pair, CONFIG)
        ours = features_of_pairs([crop], CONFIG)[0][:2]
        default = np.moveaxis(solver.calc(crop.onset / 255, crop.apex / 255, None), 2, 0)
        theirs = np.stack([_small(part) for part in without_median(default)])
        found.append(float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]))
    for name, value in (("median", float(np.median(found))), ("worst", min(found))):
        report(
            f"features: agreement with OpenCV's TV-L1, {what}, {name}", value, "r", "aim", 0.95, "at least"
        )


def extract(pairs: list[Pair]) -> np.ndarray:
    """Extract features as the platform does, a few pairs at once."""
    done = []
    for start in range(0, len(pairs), AT_ONCE):
        crops = [aligned_pair(*pair, CONFIG) for pair in pairs[start : start + AT_ONCE]]
        done.append(features_of_pairs(crops, CONFIG))
    return np.concatenate(done) if done else np.empty(0)


def usual(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """Extract features as the field's scripts do."""
    detector, predictor = _dlib()
    first, second = to_grey(onset), to_grey(apex)
    boxes = [(detector(image, 0) or detector(image, 1))[0] for image in (first, second)]
    for image, box in zip((first, second), boxes, strict=True):
        predictor(image, box)
    box = boxes[0]
    crop = np.s_[max(0, box.top()) : box.bottom() + 1, max(0, box.left()) : box.right() + 1]
    solver = cv2.optflow.DualTVL1OpticalFlow.create()
    flow = np.moveaxis(solver.calc(first[crop], second[crop], None), 2, 0)
    return np.stack([_small(part) for part in (*flow, optical_strain(flow))])


def solve(task: tuple[str, np.ndarray, np.ndarray]) -> float:
    """Return the seconds that one solver needs for a stack of pairs."""
    from models_ml.motion.flow import flow_of_many

    name, first, second = task
    if name == "torch":
        return _seconds(lambda: flow_of_many("tvl1", first, second))
    return _seconds(lambda: [_tuned(a, b) for a, b in zip(first, second, strict=True)])


def synthetic_pairs() -> list[Pair]:
    specs = [spec for spec in demo_clips() if spec.emotion != "others"]
    chosen = specs[:: max(1, len(specs) // SYNTHETIC)][:SYNTHETIC]
    pairs = []
    for spec in chosen:
        large = replace(
            spec, width=640, height=480, fps=100, frame_count=40, onset=6, apex=24, offset=36,
            intensity_px=spec.intensity_px * 640 / spec.width,
        )  # fmt: skip
        frames = {k: frame for k, frame in enumerate(render(large)) if k in (6, 24)}
        pairs.append((frames[6], frames[24]))
    return pairs


def real_pairs() -> Iterator[Pair]:
    folder = Path(os.environ.get("MER_TEST_CLIPS", CLIPS))
    for name, (onset, apex) in REAL.items():
        if (folder / name).exists():
            frames = read_frames(folder / name, {onset, apex})
            yield frames[onset].image, frames[apex].image
        else:
            print(f"{name} not found in {folder}: set MER_TEST_CLIPS", flush=True)


def photograph_pairs() -> Iterator[Pair]:
    """Yield a real face whose mouth corners rise by 2, 3 and 4 pixels."""
    face = astronaut()[:400, 40:440]
    rows, columns = np.mgrid[0:400, 0:400].astype(np.float32)
    lift = sum(np.exp(-((columns - x) ** 2 + (rows - 142) ** 2) / (2 * 10**2)) for x in (164, 203))
    for pixels in (2, 3, 4):
        yield face, cv2.remap(face, columns, rows + np.float32(pixels) * lift, cv2.INTER_CUBIC)


def _tuned(a: np.ndarray, b: np.ndarray) -> Flow:
    solver = cv2.optflow.DualTVL1OpticalFlow.create(
        nscales=4, scaleStep=0.5, warps=3, lambda_=0.05, epsilon=0.02, innnerIterations=15, outerIterations=4
    )
    return np.moveaxis(solver.calc(a / 255, b / 255, None), 2, 0)


def _small(part: np.ndarray) -> np.ndarray:
    return cv2.resize(part, (CONFIG.size, CONFIG.size), interpolation=cv2.INTER_AREA)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _one_thread() -> None:
    """Set up a process as a worker of the platform is."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    get_detector()
    tvl1(np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8))


_MODELS: list[Any] = []


def _dlib() -> list[Any]:
    if not _MODELS:
        _MODELS.extend([dlib.get_frontal_face_detector(), dlib.shape_predictor(str(_model_file()))])
    return _MODELS
