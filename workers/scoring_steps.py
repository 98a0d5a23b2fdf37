"""From clips to probabilities. A thread reads and aligns frames, while flow and network of earlier clips are computed.

Nothing here touches the database, so the thread needs no connection.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event, Thread

import numpy as np

from mer_platform.clips.models import Clip
from mer_platform.scoring.models import ScoringItem
from mer_platform.storage import local_copy
from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.evaluation.certainty import Certainty, certainties
from models_ml.motion.clips import aligned_pairs
from models_ml.motion.features import AlignedPair, features_of_pairs, flow_device
from models_ml.outages import outage
from models_ml.training.model import TrainedModel, check_features
from workers.feature_cache import AT_ONCE, Features, FramePair, load_features, store_features
from workers.scoring_frames import Frames, Known, check_frames

log = logging.getLogger(__name__)
_WAIT_SECONDS = 0.2  # between looks at whether the other side has stopped


@dataclass
class Step:
    """One item on its way: what is known of it so far, or why it failed."""

    item: ScoringItem
    clip: Clip
    known: Known
    frames: Frames | None = None
    pair: AlignedPair | None = None
    features: Features | None = None
    certainty: Certainty | None = None
    error: InputError | None = None
    outage: Exception | None = None  # ends the attempt at the job, not the item
    timings: dict[str, float] = field(default_factory=dict)


def scored(steps: Sequence[Step], model: TrainedModel, temperature: float | None) -> Iterator[list[Step]]:
    """Yield the steps with their predictions or errors, a group at a time, in their order.

    A group is as large as the device solves at once. The thread reads at most two groups ahead.
    """
    config, size = model.config.features, AT_ONCE[flow_device()]
    ahead: Queue[Step | None] = Queue(maxsize=2 * size)
    stop = Event()
    thread = Thread(target=_read, args=(steps, config, ahead, stop), name="frames", daemon=True)
    thread.start()
    try:
        group: list[Step] = []
        while (step := _next(ahead, thread)) is not None:
            if step.outage is not None:
                raise step.outage
            group.append(step)
            if len(group) == size:
                yield _predicted(group, model, temperature)
                group = []
        if group:
            yield _predicted(group, model, temperature)
    finally:
        stop.set()
        thread.join()


def _next(ahead: "Queue[Step | None]", thread: Thread) -> Step | None:
    while True:
        with suppress(Empty):
            return ahead.get(timeout=_WAIT_SECONDS)
        if not thread.is_alive() and ahead.empty():
            raise RuntimeError("the thread that reads frames has ended early")


def _read(steps: Sequence[Step], config: FeatureConfig, ahead: "Queue[Step | None]", stop: Event) -> None:
    for step in (*steps, None):
        if step is not None and step.error is None:
            _prepare(step, config)
        while not stop.is_set():
            with suppress(Full):
                ahead.put(step, timeout=_WAIT_SECONDS)
                break
        if stop.is_set():
            return


def _prepare(step: Step, config: FeatureConfig) -> None:
    """Find the frames, and read the cached features or the aligned pair."""
    began = time.perf_counter()
    clip = step.clip
    try:
        check_clip(clip, config)
        step.frames = step.known.or_spotted(clip)
        check_frames(step.frames, clip)
        name = FramePair(clip, step.frames.onset, step.frames.apex).name(config)
        if (features := load_features(name)) is not None:
            step.features = features
        else:
            step.pair = _pair(clip, step.frames, config)
    except InputError as error:
        step.error, step.outage = error, error if outage(error) else None
    except FileNotFoundError:
        step.error = InputError(
            "The file of the clip is missing from the storage. Restore it from a backup, or upload the clip again.",
            "file_missing",
        )
    except Exception as error:
        if outage(error):
            step.outage = error
        else:
            step.error = internal(error, clip)
    step.timings["decode"] = _ms(began)


def check_clip(clip: Clip, config: FeatureConfig) -> None:
    """Raise InputError for a clip whose frames cannot be scored."""
    if clip.state != Clip.State.READY:
        raise InputError(
            f"The clip is {clip.state}: {clip.problem or 'its frames are not available yet'}",
            "clip_not_readable",
        )
    if config.align == "none":
        return
    if clip.face_turn:
        raise InputError(clip.face_note, "face_not_upright")
    if not clip.face_frames:
        raise InputError("No face was found in the clip.", "no_face")


def internal(error: Exception, clip: Clip | None) -> InputError:
    """Log an unexpected error, and return it as the reason why one item failed."""
    log.error("clip %s could not be scored", clip and clip.pk, exc_info=error)
    return InputError(f"Internal error ({type(error).__name__}: {error}).", "internal_error")


def _pair(clip: Clip, frames: Frames, config: FeatureConfig) -> AlignedPair:
    with local_copy(clip.file) as path:
        marks = [(frames.onset, frames.apex)]
        _, pair = next(aligned_pairs(path, marks, config, fps=clip.fps_given, turn=clip.turn))
    if isinstance(pair, InputError):
        raise pair
    return pair


def _predicted(group: list[Step], model: TrainedModel, temperature: float | None) -> list[Step]:
    """Compute the flow of the pairs, store it, and predict the whole group at once."""
    _solve(group, model.config.features)
    usable = [
        (step, step.features) for step in group if step.features is not None and _is_usable(step, model)
    ]
    if not usable:
        return group
    began = time.perf_counter()
    members = model.predict_members(np.stack([features for _, features in usable]))
    found = certainties(members, temperature)
    each = _ms(began) / len(usable)
    for (step, _), certainty in zip(usable, found, strict=True):
        step.certainty, step.timings["network"] = certainty, each
    return group


def _solve(group: list[Step], config: FeatureConfig) -> None:
    """Compute the features of the steps that have a pair, and store them."""
    began = time.perf_counter()
    wanted = [
        (step, step.frames, step.pair) for step in group if step.pair is not None and step.frames is not None
    ]
    solved = features_of_pairs([pair for _, _, pair in wanted], config, flow_device())
    for (step, frames, _), features in zip(wanted, solved, strict=True):
        store_features(FramePair(step.clip, frames.onset, frames.apex).name(config), features)
        step.features, step.pair = features, None
    for step, _, _ in wanted:
        step.timings["features"] = _ms(began) / len(wanted)


def _is_usable(step: Step, model: TrainedModel) -> bool:
    try:
        check_features(np.asarray(step.features)[None], model.config.features.size)
    except InputError as error:
        step.error = InputError(str(error), "features_not_usable")
        return False
    return True


def _ms(began: float) -> float:
    return 1000 * (time.perf_counter() - began)
