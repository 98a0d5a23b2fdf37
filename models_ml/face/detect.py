"""Find the largest face in an image, and 68 landmarks on it.

Uses dlib's frontal face detector (HOG, Dalal & Triggs 2005) and its 68-point shape predictor (Kazemi & Sullivan, CVPR
2014), whose model file comes with ``face_recognition_models`` and is for research use only. No other module uses dlib.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from models_ml.video.frames import Image

# Areas in pixels to which the image is scaled, one after another until a face is found. The detector's window is 80 pixels:
# the first size finds a large face within a few milliseconds, the last one a face of a sixth of the image's height. In
# real clips, each frame takes 20 to 40 ms in total; ``make bench NAME=import`` measures it as a part of ingest.
_AREAS = (40_000, 120_000, 240_000)
# Side of the face at which landmarks are placed. dlib rounds them to whole pixels, so a larger face means less jitter.
_FACE_PIXELS = 256


@dataclass(frozen=True)
class Box:
    """The box of a face in pixels; right and bottom are exclusive. It may extend beyond the image."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def scaled(self, x: float, y: float) -> "Box":
        """Return the box in an image that is ``x`` times as wide and ``y`` times as high."""
        return Box(round(self.left * x), round(self.top * y), round(self.right * x), round(self.bottom * y))


class FaceDetector:
    """Detector and landmark predictor; not safe for concurrent use by threads.

    ``detect`` loads 1 MB, and the first call of ``landmarks`` another 100 MB.
    """

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()
        self._predictor: dlib.shape_predictor | None = None

    def detect(self, image: Image) -> Box | None:
        """Return the box of the largest face in a uint8 (H, W) grey or (H, W, 3) RGB image; None if there is none.

        Small images are enlarged, so that faces of about 35 pixels are found in a 176×144 video. In large images a face
        must have about a sixth of the image's height.
        """
        grey = to_grey(image)
        height, width = grey.shape
        for area in _AREAS:
            scale = (area / (width * height)) ** 0.5
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            found = self._detector(cv2.resize(grey, size, interpolation=method), 0)
            if len(found):
                face = max(found, key=lambda r: (r.area(), -r.left(), -r.top()))
                box = Box(face.left(), face.top(), face.right() + 1, face.bottom() + 1)
                return box.scaled(width / size[0], height / size[1])
        return None

    def landmarks(self, image: Image, box: Box) -> NDArray[np.float32]:
        """Return the 68 landmarks (iBUG 300-W order) of the face in ``box``.

        Returns
        -------
        NDArray
            float32 (68, 2), x and y in pixels from the image's upper left corner; the first pixel's centre is (½, ½).
        """
        if self._predictor is None:
            self._predictor = dlib.shape_predictor(str(_model_file()))
        grey = to_grey(image)
        margin = max(box.width, box.height) // 2
        left, top = max(0, box.left - margin), max(0, box.top - margin)
        around = grey[top : max(top, box.bottom + margin), left : max(left, box.right + margin)]
        scale = min(8.0, max(1.0, _FACE_PIXELS / max(1, box.width)))
        patch = np.ascontiguousarray(
            cv2.resize(around, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), dtype=np.uint8
        )
        face = dlib.rectangle(
            round((box.left - left) * scale),
            round((box.top - top) * scale),
            round((box.right - left) * scale) - 1,
            round((box.bottom - top) * scale) - 1,
        )
        shape = self._predictor(patch, face)
        points = np.array([(p.x, p.y) for p in shape.parts()], dtype=np.float64)
        return ((points + 0.5) / scale + (left, top)).astype(np.float32)


@lru_cache(maxsize=1)
def get_detector() -> FaceDetector:
    """Return the process's detector, created by the first call."""
    return FaceDetector()


def to_grey(image: Image) -> Image:
    """Return a grey or RGB image as uint8 (H, W), by Rec. 601 luma."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _model_file() -> Path:
    # Located, not imported: the package's __init__ needs pkg_resources, which setuptools has removed.
    spec = find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package face_recognition_models is not installed (see requirements.txt)")
    return Path(spec.origin).parent / "models" / "shape_predictor_68_face_landmarks.dat"
