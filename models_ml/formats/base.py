"""The types that layout readers share: what they read (a tree, a sheet) and what they find.

A layout is how one database arranges its folders, files and coding sheet. Its reader is a pure function of a tree and a
sheet: it knows nothing of the platform, decodes no pixels and guesses nothing. Anything odd becomes a ``Problem``. All
frame numbers here are *source* frame numbers, as file names and sheets give them (SAMM's clips start at numbers such as
5562); ``mer_platform.imports`` converts them to 0-based indices.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

from models_ml.formats.mapping import ColumnMap
from models_ml.video.timing import Timing

if TYPE_CHECKING:
    from models_ml.formats.headers import Column

Severity = Literal["error", "warning", "info"]
Kind = Literal["micro", "macro"]
# How a file counts frames: source frames, from 1, frame indices (from 0), or milliseconds of the playing file, from the
# first frame.
Unit = Literal["source", "frame", "index", "ms"]
MARKS = ("onset", "apex", "offset")
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv")
RARELY_CODED = frozenset({"confidence", "note", "origin", "suggestion"})
FIELDS = (*MARKS, "kind", "emotion", "action_units", *sorted(RARELY_CODED))


class Tree(Protocol):
    """A folder of files, on this machine or below a prefix of the object storage."""

    name: str  # the folder's own name
    quick: bool  # opening a file is cheap, so readers check every frame instead of only a clip's first

    def files(self) -> list[str]:
        """Return the path of each file below the folder: relative, POSIX, sorted."""

    def open(self, path: str) -> BinaryIO: ...


@dataclass(frozen=True)
class Problem:
    """One row of the import report.

    ``code`` is a stable word ("apex-outside", "folder-missing" …). ``message`` says what was found and what the import
    does about it. ``error``: the clip or row is not imported. ``warning``: it is imported, but should be checked.
    ``info``: worth knowing; nothing that the sheet codes is lost. ``row`` is the sheet's own row number, as a
    spreadsheet shows it.
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
    """A known error of a published sheet and its fix, applied only if the researcher accepts it."""

    key: str  # stable: "samm/006_1_2/apex"
    subject: str
    clip: str
    field: str  # "apex", "emotion", "subject", "leave-out" …
    found: str
    proposed: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Marked:
    """One expression as a file states it: the type between every reader, every writer and the platform.

    ``clip``, ``subject``, ``database`` and ``coder`` are names as the file gives them, "" where it gives none; ``sha256`` is
    the checksum of the clip's file. ``onset``, ``apex`` and ``offset`` are in ``unit``; None is a mark that is not set.
    ``others`` are further names under which the clip may be known, the likeliest first: of other linked media, of an upload
    that a tool renamed. ``rate`` is the number of frames per second at which a tool counted the unit "frame": its frame n is
    shown at (n − 1) / rate seconds. It is None if the file does not state it. ``seconds`` is how long the clip plays by the
    file, to recognise another clip of the same name.
    ``silent`` names the fields that the file says nothing about: their values here mean nothing, and an import does not
    change them. ``file`` and ``row`` say where it stands, for reports.

    ``shown`` is False for a coder's statement that the clip shows no expression: it has no marks. ``agreed`` marks a
    consensus instead of one coder's annotation. Only the lossless format has ``key``, ``origin``, ``suggestion`` and
    ``record`` (times and versions).
    """

    clip: str
    others: tuple[str, ...] = field(default=(), compare=False)
    subject: str = ""
    database: str = ""
    sha256: str = ""
    coder: str = ""
    unit: Unit = "source"
    onset: float | None = None
    apex: float | None = None
    offset: float | None = None
    emotion: str = ""
    action_units: str = ""
    kind: Kind = "micro"
    confidence: int | None = None
    note: str = ""
    origin: str = ""
    suggestion: Mapping[str, float] | None = None
    silent: frozenset[str] = RARELY_CODED
    rate: float | None = None
    seconds: float | None = field(default=None, compare=False)
    shown: bool = True
    agreed: bool = False
    key: str = ""
    record: Mapping[str, Any] | None = field(default=None, compare=False)
    file: str = ""
    row: int | None = None

    def stated(self) -> dict[str, Any]:
        """Return the fields that the file states, by name."""
        return {name: getattr(self, name) for name in FIELDS if name not in self.silent}

    def marks(self) -> dict[str, int]:
        """Return the frame indices of the marks that are set, by name. The unit must be "index"."""
        marks = {name: getattr(self, name) for name in MARKS}
        return {name: int(value) for name, value in marks.items() if value is not None}

    def where(self) -> dict[str, Any]:
        """Return where it stands, as fields of a ``Problem``."""
        return {"file": self.file, "row": self.row, "subject": self.subject, "clip": self.clip}


def no_expression(source: Marked) -> Marked:
    """Return the statement that the clip of ``source`` shows no expression, by its coder or as the consensus.

    It says nothing else: what is stored about expressions is not reset by it.
    """
    blank = Marked(clip=source.clip)
    fields = {name: getattr(blank, name) for name in FIELDS}
    return replace(source, shown=False, silent=frozenset(FIELDS), **fields)


@dataclass(frozen=True)
class FoundClip:
    """A clip in the tree: frame images in order, or one video file.

    ``numbers`` holds the source frame number of each of ``files``; it is empty for a video, whose frames count from 1.
    ``fps`` is 0 if only the video file itself states the frame rate.
    """

    database: str
    subject: str
    name: str
    fps: float
    files: tuple[str, ...]
    numbers: tuple[int, ...]
    expressions: tuple[Marked, ...] = ()


@dataclass(frozen=True)
class FoundFlowPicture:
    """A precomputed flow picture (8-bit PNG: u, v, strain) that stands for a clip."""

    database: str
    subject: str
    name: str
    emotion: str
    file: str


@dataclass(frozen=True, kw_only=True)
class MarkedClip:
    """A clip with what was marked in it, as writers get it.

    ``marked`` is ordered by coder and time; its unit is "index". ``file`` is the name of the uploaded file, ``fps`` a
    fraction such as "200/1". ``load_timing`` reads the source frame and the time of each frame; it raises InputError if
    they are lost. ``subjects`` are the names of all subjects of the clip's database: a writer that shortens a subject's
    name must not turn it into the name of another subject. ``emotions`` are those that the database lets coders choose.
    """

    database: str
    subject: str
    name: str
    file: str
    sha256: str
    fps: str
    frame_count: int
    first_source_number: int
    load_timing: Callable[[], Timing]
    subjects: frozenset[str] = frozenset()
    emotions: tuple[str, ...] = ()
    marked: tuple[Marked, ...] = ()

    def __str__(self) -> str:
        return f"{self.database}/{self.subject}/{self.name}"

    @cached_property
    def timing(self) -> Timing:
        """The source frame and the time of each frame."""
        return self.load_timing()


@dataclass
class Finding:
    """Everything that a reader found. ``emotions`` and ``fps`` are by database name."""

    clips: list[FoundClip] = field(default_factory=list)
    flow_pictures: list[FoundFlowPicture] = field(default_factory=list)
    annotations: list[Marked] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    emotions: dict[str, list[str]] = field(default_factory=dict)
    fps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """A coding sheet as a file: its name and its bytes. ``columns`` says which column is which, if a person said so."""

    name: str
    content: bytes
    columns: ColumnMap | None = None


# (tree, sheet or None to search the tree for it, keys of accepted corrections) → finding.
# Raises models_ml.errors.InputError if the tree as a whole is not of this layout, with what was expected and found.
Reader = Callable[[Tree, Sheet | None, frozenset[str]], Finding]
Holds = Literal["clips", "flow pictures", "annotations"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A layout that can be imported. A module of this package registers its layout under the name ``LAYOUT``.

    The command line and stored imports use ``key``; pages show ``title`` and ``expects``, an example in a few words.
    ``uploads`` are the endings of files that can be imported on their own, without a folder. ``columns`` are those of its
    coding sheet; if a sheet has others, a person can say which is which.
    """

    key: str
    title: str
    expects: str
    read: Reader
    holds: Holds = "clips"
    uploads: tuple[str, ...] = ()
    columns: Sequence["Column"] = ()


@dataclass(frozen=True, kw_only=True)
class Export:
    """A file that annotations can be exported to. A module of this package registers its exports as ``EXPORTS``.

    ``key`` identifies it in addresses and forms and ends in the file's ending. Pages show ``title``; ``note`` helps users to
    choose. ``write`` raises InputError if the file cannot represent a clip exactly.
    """

    key: str
    title: str
    suffix: str
    content_type: str
    note: str
    write: Callable[[Sequence[MarkedClip]], bytes]
