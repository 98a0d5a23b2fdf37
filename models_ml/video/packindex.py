"""The index of a frame pack: where each frame is, when it is shown, and what the recording calls it.

Needs neither OpenCV nor NumPy, so that web processes can read it. ``framepack`` writes the frames themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Self

from models_ml.errors import InputError
from models_ml.video.clock import Clock, rises, rising_times

VERSION = 1


@dataclass(frozen=True)
class PackIndex:
    """Index of a frame pack: frame *i* is an image of type ``mime`` in bytes ``offsets[i]`` to ``offsets[i + 1]``.

    Attributes
    ----------
    width, height
        Size of every frame, in pixels.
    fps
        Frames per second: the recording rate of the clip's clock.
    time_base
        Seconds in one unit of ``pts``.
    mime
        Type of the images: ``image/jpeg`` or ``image/png``.
    offsets
        Position of each frame in the pack, in bytes, and the pack's length at the end.
    pts
        Presentation time of each frame, in units of ``time_base``.
    source
        Number that the recording itself gives each frame.
    motion
        Motion of the face in each frame, in pixels; empty if it was not measured.
    motion_regions
        The same for parts of the face, by name.

    Raises
    ------
    InputError
        If the fields do not fit together, or the times or offsets do not rise from frame to frame. The labeler
        (``frame-pack.js``) checks the same.
    """

    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    mime: str
    offsets: tuple[int, ...]
    pts: tuple[int, ...]
    source: tuple[int, ...]
    motion: tuple[float, ...] = ()
    motion_regions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.offsets) - 1 == len(self.pts) == len(self.source) > 0:
            raise InputError(
                f"The index of the frame pack is damaged: {len(self.offsets)} offsets, {len(self.pts)} time "
                f"stamps and {len(self.source)} source numbers do not fit together."
            )
        if any(start >= end for start, end in pairwise(self.offsets)):
            raise InputError("The index of the frame pack is damaged: its offsets do not rise.")
        if not rises(self.pts):
            raise InputError("The index of the frame pack is damaged: its time stamps do not rise.")
        if self.fps <= 0 or self.time_base <= 0:
            raise InputError(
                "The index of the frame pack is damaged: its frame rate and time base must be positive."
            )

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.pts)

    @property
    def clock(self) -> Clock:
        """When each frame was recorded. Indexes of earlier versions left missing source frames out of the times."""
        if self.time_base * self.fps == 1 and self.pts[-1] - self.pts[0] == self.count - 1:
            return Clock.of_numbers(self.source, self.fps)
        return Clock.of_ticks(self.pts, self.time_base, self.fps)

    def at(self, clock: Clock) -> "PackIndex":
        """Return the index with the times of this clock. Raises InputError if it has another number of frames."""
        return replace(self, fps=clock.rate, time_base=clock.tick, pts=tuple(clock.ticks))

    def to_json(self) -> dict[str, Any]:
        """Return the index as it is stored and sent to the browser; ``fps`` and ``time_base`` as "num/den"."""
        data: dict[str, Any] = {
            "version": VERSION,
            "width": self.width,
            "height": self.height,
            "fps": _ratio(self.fps),
            "time_base": _ratio(self.time_base),
            "mime": self.mime,
            "count": self.count,
            "offsets": list(self.offsets),
            "pts": list(self.pts),
            "source": list(self.source),
        }
        if self.motion:
            data["motion"] = list(self.motion)
            data["motion_regions"] = {name: list(values) for name, values in self.motion_regions.items()}
        return data

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Read what ``to_json`` wrote.

        Time stamps that do not rise, which earlier versions stored, are replaced as ``rising_times`` does.

        Raises
        ------
        InputError
            If the version is unknown, a field is missing, or the fields do not fit together.
        """
        version = data.get("version") if isinstance(data, dict) else None
        if version != VERSION:
            raise InputError(
                f"The index of the frame pack has version {version}; this program reads {VERSION}."
            )
        try:
            clock = rising_times(data["pts"], Fraction(data["time_base"]), Fraction(data["fps"]))
            return cls(
                width=data["width"],
                height=data["height"],
                fps=Fraction(data["fps"]),
                time_base=clock.time_base,
                mime=data["mime"],
                offsets=tuple(data["offsets"]),
                pts=clock.pts,
                source=tuple(data["source"]),
                motion=tuple(data.get("motion", ())),
                motion_regions={
                    name: tuple(values) for name, values in data.get("motion_regions", {}).items()
                },
            )
        except KeyError as error:
            raise InputError(
                f"The index of the frame pack is damaged: it has no field {error.args[0]!r}."
            ) from error
        except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"The index of the frame pack is damaged: {error}.") from error


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"
