"""The timing of clips, from the indexes of their frame packs."""

from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_of, read_index
from models_ml.video.timing import Timing

_CACHED_CLIPS = 64


def timing_of(clip: Clip) -> Timing:
    """Read the timing of a clip. Raises InputError if its frame pack is missing or damaged."""
    source = read_index(clip).source
    return Timing(source, clock_of(clip))  # which also has the rate at which the file plays


class TimingCache:
    """The timings of clips, read on demand. It keeps the last few, since rows of one clip follow each other."""

    def __init__(self) -> None:
        self._cached: dict[int, Timing] = {}

    def of(self, clip: Clip) -> Timing:
        """Raises InputError as ``timing_of``."""
        if clip.pk not in self._cached:
            if len(self._cached) >= _CACHED_CLIPS:
                self._cached.clear()
            self._cached[clip.pk] = timing_of(clip)
        return self._cached[clip.pk]
