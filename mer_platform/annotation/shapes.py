"""What the API shows of annotations as JSON, for its description."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from mer_platform.rest.shapes import Interval


class SuggestedMarks(TypedDict):
    """What the spotter suggested."""

    onset: float
    apex: float
    offset: float
    confidence: float


class AnnotationContent(TypedDict, total=False):
    """The fields of an annotation at one revision."""

    onset: int | None
    apex: int | None
    offset: int | None
    kind: str
    emotion: str
    action_units: str
    confidence: int | None
    note: str
    origin: str
    suggestion: SuggestedMarks | None
    deleted: bool


class MarkDistances(TypedDict):
    """Statistics of the distances of one mark, the second coder's minus the first's."""

    count: int
    mean: float
    mean_absolute: float
    median_absolute: float
    largest: float


class DistancesByUnit(TypedDict):
    """The distances of one mark, by unit; null without any."""

    frames: MarkDistances | None
    ms: MarkDistances | None


class DistancesByMark(TypedDict):
    """The distances by mark."""

    onset: DistancesByUnit
    apex: DistancesByUnit
    offset: DistancesByUnit


class DisagreedClip(TypedDict):
    """A clip on which two coders disagree."""

    clip: int
    name: str
    coders: list[str]
    why: list[str]


class AgreementScores(TypedDict):
    """How well coders agree over some clips. A number is null if it is not defined."""

    clips: int
    neither: Annotated[int, Field(description="Clips in which no coder sees an expression.")]
    matched: Annotated[int, Field(description="Expressions that both coders see.")]
    alone: Annotated[int, Field(description="Expressions that one coder sees alone.")]
    seen_by_both: Annotated[float | None, Field(description="2·matched / (2·matched + alone).")]
    reliability: Annotated[float | None, Field(description="R of action units.")]
    kappa: Annotated[float | None, Field(description="Cohen's κ of emotions.")]
    kappa_interval: Annotated[Interval | None, Field(description="95% interval.")]
    alpha: Annotated[float | None, Field(description="Krippendorff's α of emotions.")]
    marks: DistancesByMark


class PairAgreement(AgreementScores):
    """How well two coders agree."""

    coders: list[str]
    worst: list[DisagreedClip]


class DatabaseAgreement(AgreementScores):
    """How well coders agree on one database."""

    database: int
    name: str
    worst: list[DisagreedClip]


class Agreement(TypedDict):
    """How well the coders of a project agree."""

    all: AgreementScores
    pairs: list[PairAgreement]
    databases: list[DatabaseAgreement]
    worst: Annotated[list[DisagreedClip], Field(description="The clips with most disagreement first.")]


class CodingQueue(TypedDict):
    """The next clip to code, with what the labeler needs to open it; at the end of the queue, `clip` is null."""

    clip: int | None
    page_url: str
    left: int
    total: int
    done: int
    message: NotRequired[Annotated[str, Field(description="Why there is no clip.")]]
    name: NotRequired[str]
    database: NotRequired[str]
    subject: NotRequired[str]
    frames_url: NotRequired[str]
    pack_url: NotRequired[str]
    head_url: NotRequired[str]
    emotions: NotRequired[list[str]]
    database_url: NotRequired[str]
    readonly: NotRequired[bool]
    next_url: NotRequired[str]


class AssignmentPlan(TypedDict):
    """What is, or would be, assigned."""

    clips: Annotated[int, Field(description="Clips that meet the criteria.")]
    assignments: Annotated[int, Field(description="New assignments.")]
    covered: Annotated[int, Field(description="Clips that have enough coders already.")]
    per_coder: Annotated[dict[str, int], Field(description="New assignments by username.")]


class ImportConflict(TypedDict):
    """A row that was skipped, because something changed after the check."""

    clip: int | None
    clip_name: str | None
    coder_name: str | None
    row: int | None
    why: str


class ProblemPlace(TypedDict):
    """Where a problem is, and what it says there."""

    message: str
    file: str | None
    row: int | None
    column: str | None
    subject: str | None
    clip: str | None


class ReportedProblem(ProblemPlace):
    """A row of a report: what is wrong or noteworthy, and what the import does about it."""

    severity: str
    code: str
