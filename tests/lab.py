"""Clips as a lab would bring them: a small labelled set, with the frame number burnt into the pixels."""

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
    """A clip file with the 0-based index burnt into every frame, and its specification."""

    path: Path
    spec: ClipSpec


def barcode_clips(folder: Path, subjects: int = 2, clips_per_subject: int = 3) -> list[LabClip]:
    """Write clips of a demo database with faces, one emotion after the other; each subject's last one as images."""
    pool = [spec for spec in demo_clips() if spec.database == "Demo CASME" and spec.emotion != "others"]
    names = sorted({spec.subject for spec in pool})[:subjects]
    made = []
    for name in names:
        own: dict[str, ClipSpec] = {}  # one clip per emotion: every subject shows several
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
    """Return the frame below a band with its number: on the face, the blocks would hide it from the detector."""
    band = [(BAND, 0)] + [(0, 0)] * (frame.ndim - 1)
    return burn_number(np.pad(frame, band, constant_values=128), index)
