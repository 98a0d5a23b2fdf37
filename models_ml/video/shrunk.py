"""A frame in grey at the sizes that ingest needs, shrunk once for all that measure it."""

import cv2
import numpy as np

from models_ml.face.detect import to_grey
from models_ml.video.frames import Image


class Shrunk:
    """A frame in grey, and halved as often as someone asked for; each step is done once.

    Parameters
    ----------
    image
        uint8 (H, W) or (H, W, 3) RGB: the frame or a reduced copy of it.
    size
        Width and height of the frame in pixels, if ``image`` is a reduced copy.
    """

    def __init__(self, image: Image, size: tuple[int, int] | None = None) -> None:
        self.size = size or (image.shape[1], image.shape[0])
        self._halved = [to_grey(image)]

    @property
    def grey(self) -> Image:
        """``image`` in grey."""
        return self._halved[0]

    def below(self, side: int) -> Image:
        """Return the image, halved while its longer side has ``side`` pixels or more and both sides are even.

        OpenCV halves several times faster than it scales by any other factor.
        """
        for image in self._halved:
            if max(image.shape) < side:
                return image
        while max(image.shape) >= side and not (image.shape[0] | image.shape[1]) & 1:
            half = (image.shape[1] // 2, image.shape[0] // 2)
            image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
            self._halved.append(image)
        return image
