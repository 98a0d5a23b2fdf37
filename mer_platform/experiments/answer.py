"""Which configuration of an experiment is best, said as honestly as the predictions allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mer_platform.experiments.description import differences
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.results import Ranked, ranking, score_of_choice
from models_ml.errors import InputError
from models_ml.evaluation.uncertainty import Interval


@dataclass(frozen=True)
class Row:
    """One configuration's place, by UF1, with its UAR."""

    label: str
    place: Ranked
    uar: float
    uar_interval: Interval

    @property
    def run(self) -> Run:
        return self.place.runs[0]

    @property
    def percent(self) -> str:
        """The probability of being the best; 10,000 resamples tell it to no more than this."""
        share = self.place.best
        return (
            "under 1 %"
            if 0 < share < 0.01
            else "over 99 %"
            if 0.99 < share < 1
            else f"{share:.0%}".replace("%", " %")
        )


class Answer:
    """What the scored runs of an experiment say. ``problem`` is a sentence where they cannot be ranked."""

    def __init__(self, experiment: Experiment) -> None:
        self.runs = runs = list(experiment.runs.select_related("version__composite", "model").order_by("pk"))
        self.scored = [run for run in runs if run.scored]
        self.labels = labels(runs)
        self.open = sum(run.active and not run.scored for run in runs)
        self.total = len(runs)
        self.problem = ""
        self.rows: list[Row] = []
        if self.scored:
            try:
                self.rows = self._rows()
            except InputError as error:
                self.problem = f"The runs cannot be ranked: {error}."

    def _rows(self) -> list[Row]:
        by_uar = {place.runs[0].pk: place for place in ranking(self.scored, "uar")}
        return [
            Row(
                self.labels[place.runs[0].pk],
                place,
                by_uar[place.runs[0].pk].score,
                by_uar[place.runs[0].pk].interval,
            )
            for place in ranking(self.scored)
        ]

    @property
    def best(self) -> Row | None:
        return self.rows[0] if self.rows else None

    @property
    def rivals(self) -> list[Row]:
        """Those that may be as good as the leading one."""
        return [row for row in self.rows[1:] if row.place.may_be_best]

    @cached_property
    def varied(self) -> dict[str, list[str]]:
        """The settings in which the runs differ, their seeds aside, and the value of each run."""
        return {title: values for title, values in differences(self.runs) if title != "Seed"}

    @property
    def several_seeds(self) -> bool:
        return any(len(row.place.runs) > 1 for row in self.rows)

    @cached_property
    def expected(self) -> tuple[float, Interval | None] | None:
        """UF1 to expect on other subjects from choosing the best of these."""
        return score_of_choice(self.scored) if self.rows else None


def labels(runs: Sequence[Run]) -> dict[int, str]:
    """What tells each run from the others of its experiment, its seed aside; the run's name where nothing does."""
    found: dict[int, list[str]] = {run.pk: [] for run in runs}
    for title, values in differences(runs):
        if title == "Seed":
            continue
        for run, value in zip(runs, values, strict=True):
            if value != "–":
                found[run.pk].append(value if title == "Network" else f"{title.lower()} {value}")
    return {run.pk: ", ".join(found[run.pk]) or run.name for run in runs}
