"""What a lab would bring: clips whose pixels say their frame number, and a small labelled set of them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models_ml.synthetic.barcode import burn_number
from models_ml.synthetic.clip import ClipSpec, render
from models_ml.synthetic.demo import demo_clips
from models_ml.synthetic.encode import encode

FIRST_SOURCE_NUMBER = 5562  # as SAMM's begin
BAND = 48  # pixels


@dataclass(frozen=True)
class LabClip:
    """A clip file in whose every frame its 0-based index is burnt, and what is true of it."""

    path: Path
    spec: ClipSpec


def barcode_clips(folder: Path, subjects: int = 2, clips_per_subject: int = 3) -> list[LabClip]:
    """Clips of a demo database with real faces, one emotion after the other; the last of each subject as images."""
    pool = [spec for spec in demo_clips() if spec.database == "Demo CASME" and spec.emotion != "others"]
    names = sorted({spec.subject for spec in pool})[:subjects]
    made = []
    for name in names:
        own: dict[str, ClipSpec] = {}  # one clip an emotion: every subject shows several
        for spec in pool:
            if spec.subject == name:
                own.setdefault(spec.emotion, spec)
        for number, spec in enumerate(list(own.values())[:clips_per_subject]):
            container = "zip" if number == clips_per_subject - 1 else "mp4"
            spec = replace(spec, container=container, first_source_number=FIRST_SOURCE_NUMBER)
            path = folder / f"{spec.subject}_{spec.name}.{container}"
            frames = (_numbered(frame, index) for index, frame in enumerate(render(spec)))
            encode(frames, path, spec.fps, image_prefix=f"{spec.subject}_", first_number=FIRST_SOURCE_NUMBER)
            made.append(LabClip(path, spec))
    return made


def _numbered(frame: np.ndarray, index: int) -> np.ndarray:
    """The frame under a band with its number: on the picture itself the blocks would hide the face from the detector."""
    band = [(BAND, 0)] + [(0, 0)] * (frame.ndim - 1)
    return burn_number(np.pad(frame, band, constant_values=128), index)
