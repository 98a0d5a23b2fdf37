"""What the API shows of runs and experiments as JSON, for its description."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from mer_platform.rest.shapes import Confusion, Interval


class ClassScore(TypedDict):
    """Scores of one class."""

    f1: float
    recall: float
    precision: float
    support: Annotated[int, Field(description="Samples of the class.")]


class SubjectScore(TypedDict):
    """Counts of one subject, who has too few samples for UF1."""

    samples: int
    correct: int
    confusion: Confusion


class ScoreIntervals(TypedDict):
    """95% intervals from a bootstrap over subjects; null where fewer than two subjects contribute."""

    uf1: Interval | None
    uar: Interval | None
    accuracy: Interval | None


class ClassIntervals(TypedDict):
    """95% intervals of the scores of one class; null where fewer than two subjects contribute."""

    f1: Interval | None
    recall: Interval | None
    precision: Interval | None


class RunProgress(TypedDict):
    """What is done of a run, and in total."""

    folds_total: int
    folds_done: int
    folds_running: int
    folds_failed: int
    seconds_left: Annotated[float | None, Field(description="Estimate; null while it is unknown.")]
    features_done: Annotated[int, Field(description="Samples with features.")]
    features_total: int


class ExperimentProgress(RunProgress):
    """What is done of an experiment, and in total."""

    runs_total: int
    runs_done: int
    runs_failed: int
    round_done: Annotated[int, Field(description="Folds that ended since runs were last added or run again.")]
    round_total: int


class RunOfExperiment(TypedDict):
    """A run of an experiment."""

    id: int
    name: str
    state: str
    error: str
    seed: int
    values: Annotated[dict[str, Any], Field(description="Its values of the settings that vary, by setting.")]
    config_hash: str
    finished_at: datetime | None


class DeclaredProtocol(TypedDict, total=False):
    """The protocol that predictions of other code declare."""

    protocol: str
    folds: int | None
    train_on: list[str]
    test_on: list[str]


class ScoreDifference(TypedDict):
    """How much higher a score of a run is than that of the first, over the same resamples of subjects."""

    difference: float
    interval_95: Interval | None
    p: float | None
    p_holm: Annotated[
        float | None, Field(description="Adjusted for all comparisons with the first run (Holm).")
    ]


class McNemarTest(TypedDict):
    """McNemar's exact test: the samples that only one of two runs predicts correctly."""

    only_first: int
    only_second: int
    p: float


class PairedDifferences(TypedDict):
    """A run compared with the first."""

    uf1: ScoreDifference
    uar: ScoreDifference
    accuracy: ScoreDifference
    mcnemar: McNemarTest


class AgainstFirst(TypedDict):
    """A run compared with the first, or why that is not possible."""

    run: int
    paired: PairedDifferences | None
    reason: Annotated[str, Field(description="Why they are not compared; otherwise empty.")]


class DifferingSetting(TypedDict):
    """A setting that differs between runs."""

    setting: str
    values: Annotated[list[Any], Field(description="In the order of the runs.")]


class DisagreementOfRuns(TypedDict):
    """A sample that runs predict differently."""

    sample: Annotated[int, Field(description="Its position in the version.")]
    name: str
    subject: str
    true_label: str
    predicted: Annotated[list[str], Field(description="In the order of the runs.")]


class MeanOfSeeds(TypedDict):
    """The mean of a score over seeds."""

    mean: float
    interval_95: Annotated[Interval | None, Field(description="Over subjects and seeds.")]
    deviation_between_seeds: float | None


class MeansOfSeeds(TypedDict):
    """The means of the scores over seeds."""

    uf1: MeanOfSeeds
    uar: MeanOfSeeds
    accuracy: MeanOfSeeds


class DifferenceOfSeeds(TypedDict):
    """How much higher the mean of a score is than that of the first configuration."""

    difference: float
    standard_error: float | None
    interval_95: Interval | None
    p: float | None
    p_holm: float | None
    share_of_seeds: Annotated[float | None, Field(description="Of the variance.")]


class DifferencesOfSeeds(TypedDict):
    """The differences of the scores from the first configuration."""

    uf1: DifferenceOfSeeds
    uar: DifferenceOfSeeds
    accuracy: DifferenceOfSeeds


class SpreadOfSeeds(TypedDict):
    """A score of several runs of one configuration."""

    sd: float | None
    low: float
    high: float
    runs: int


class RegionEstimates(TypedDict, total=False):
    """Of a region of the face: each is [value, lower, upper] with a 95% interval over subjects, or [value]."""

    attribution: list[float]
    motion: list[float]
    difference: list[float]
    coded: Annotated[
        list[float], Field(description="Share of samples in which an action unit moves the region.")
    ]


class AttributionProgress(TypedDict):
    """What is done of an attribution."""

    samples_done: int
    samples_total: int
    started: bool


Curve = Annotated[list[list[float]], Field(min_length=2, max_length=2)]


class PredictionRow(TypedDict, total=False):
    """One prediction of other code. The sample is named by `sample`, or by database, subject and clip."""

    sample: int | str
    database: str
    subject: str
    clip: str
    predicted: str
    p_negative: float | str | None
    p_positive: float | str | None
    p_surprise: float | str | None
    fold: int | str | None
