"""What a layout reader finds in somebody's folder: clips, expressions, pictures, and everything that cannot be right.

A layout is one database's way of laying out frames and coding sheet. Its reader is a pure function of a tree of files and
a sheet; it knows nothing of the project's database, decodes no pixels and guesses nothing: what is odd becomes a
``Problem``. Frame numbers here are *source* frame numbers, those of the file names and sheets (SAMM's begin at e.g. 5562);
``imports.services`` turns them into 0-based indices.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, Protocol

Severity = Literal["error", "warning", "info"]


class Tree(Protocol):
    """A folder somewhere: on this machine, or below a prefix of the object storage."""

    name: str  # as the researcher named it
    quick: bool  # opening a file costs next to nothing: every frame is looked at, not only a clip's first

    def files(self) -> list[str]:
        """Every file below it: POSIX paths relative to it, sorted."""

    def open(self, path: str) -> BinaryIO: ...


@dataclass(frozen=True)
class Problem:
    """One row of the import report.

    ``code`` is a stable word ("apex-outside", "folder-missing" …), ``message`` a sentence that says what was found and
    what happens with it. ``error``: the clip, or the row, is not imported. ``warning``: imported, but look at it.
    ``info``: to be known; nothing that the sheet speaks of is lost. ``row`` is the sheet's own row
    number, as a spreadsheet shows it.
    """

    severity: Severity
    code: str
    message: str
    file: str = ""
    row: int | None = None
    column: str = ""
    subject: str = ""
    clip: str = ""


@dataclass(frozen=True)
class Correction:
    """A known error of a published sheet and its remedy, applied only if the researcher accepts it."""

    key: str  # stable: "samm/006_1_2/apex"
    subject: str
    clip: str
    field: str  # "apex", "emotion", "subject", "leave-out" …
    found: str
    proposed: str
    reason: str


@dataclass(frozen=True)
class CodedExpression:
    """One coded expression. Frames are source frame numbers; None where the coding leaves one out (SMIC's apex)."""

    onset: int | None
    apex: int | None
    offset: int | None
    emotion: str
    action_units: str = ""
    kind: Literal["micro", "macro"] = "micro"
    row: int | None = None


@dataclass(frozen=True)
class FoundClip:
    """A clip in the tree: frame images in order, or one video file.

    ``numbers`` holds the source frame number of each of ``files`` (for a video: empty; its frames count from 1).
    ``fps`` is 0 for a video of which nobody said more than it says itself.
    """

    database: str
    subject: str
    name: str
    fps: float
    files: tuple[str, ...]
    numbers: tuple[int, ...]
    expressions: tuple[CodedExpression, ...] = ()


@dataclass(frozen=True)
class FoundFlowPicture:
    """A precomputed flow picture (8-bit PNG: u, v, strain) instead of a clip."""

    database: str
    subject: str
    name: str
    emotion: str
    file: str


@dataclass(frozen=True)
class ExternalAnnotation:
    """An expression marked elsewhere (ELAN, Label Studio) in a clip that the project has already.

    Times are in the unit the tool uses: milliseconds from the first frame, or 1-based frame numbers. The fields that are
    not compared are known only of files that this platform wrote: ``written`` is the emotion as it stands in the file.
    """

    clip: str  # the media file's name without folder and ending
    coder: str
    unit: Literal["ms", "frame"]
    onset: float | None
    apex: float | None
    offset: float | None
    emotion: str
    action_units: str = ""
    kind: Literal["micro", "macro"] = "micro"
    file: str = ""
    row: int | None = None
    written: str = field(default="", compare=False)
    subject: str = field(default="", compare=False)
    database: str = field(default="", compare=False)


@dataclass
class Finding:
    """All that was found. ``emotions``: the coding's own vocabulary, by database name."""

    clips: list[FoundClip] = field(default_factory=list)
    flow_pictures: list[FoundFlowPicture] = field(default_factory=list)
    annotations: list[ExternalAnnotation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    emotions: dict[str, list[str]] = field(default_factory=dict)
    fps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """A coding sheet that was given beside the tree: its name and its bytes (xlsx, xls or csv)."""

    name: str
    content: bytes


# (tree, sheet or None to look for it in the tree, keys of accepted corrections) → finding.
# Raises models_ml.errors.InputError where the tree as a whole cannot be of this layout, with what was expected and seen.
Reader = Callable[[Tree, Sheet | None, frozenset[str]], Finding]
Holds = Literal["clips", "flow pictures", "annotations"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One layout that can be imported; a module of this package registers it by naming it ``LAYOUT``.

    ``key`` stands on the command line and in the database, ``title`` and ``expects`` (a few words) on the page.
    ``uploads``: endings of files that can be imported on their own, without a folder.
    """

    key: str
    title: str
    expects: str
    read: Reader
    holds: Holds = "clips"
    uploads: tuple[str, ...] = ()
