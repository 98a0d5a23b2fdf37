"""Which configuration of an experiment is best, said as honestly as the predictions allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mer_platform.configurations.display import differences
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.results import group_by_configuration, rank_configurations
from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.evaluation.ranking import RankedConfiguration
from models_ml.evaluation.uncertainty import Interval


class Expected(NamedTuple):
    """A score, with its 95 % interval where there are subjects enough to tell one."""

    score: float
    interval: Interval | None


@dataclass(frozen=True)
class Standing:
    """One configuration's runs, one a seed, the earliest first; its place, by UF1, and its UAR."""

    label: str
    runs: list[Run]
    place: RankedConfiguration
    uar: float
    uar_interval: Interval

    @property
    def run(self) -> Run:
        return self.runs[0]

    @property
    def percent(self) -> str:
        """The probability of being the best; 10,000 resamples tell it to no more than this."""
        share = self.place.best
        if 0 < share < 0.01:
            return "under 1 %"
        return "over 99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


class Answer:
    """What the scored runs of an experiment say. Ranking dozens takes a second, so it is done only when asked for."""

    def __init__(self, experiment: Experiment) -> None:
        self.runs = runs = list(experiment.runs.select_related("version__composite", "model").order_by("pk"))
        self.scored = [run for run in runs if run.scored]
        self.labels = labels(runs)
        self.open = sum(run.active and not run.scored for run in runs)
        self.total = len(runs)
        self.missing = self.total - self.open - len(self.scored)

    @property
    def rows(self) -> list[Standing]:
        """The configurations, the best first; none where nothing is scored or ``problem`` says why not."""
        return self._ranked[0]

    @property
    def expected(self) -> Expected | None:
        """UF1 to expect on other subjects from choosing the best of these; None where there is nothing to choose from."""
        return self._ranked[1]

    @property
    def problem(self) -> str:
        """Why the runs cannot be ranked, in a sentence; empty if they can."""
        return self._ranked[2]

    @cached_property
    def _ranked(self) -> tuple[list[Standing], Expected | None, str]:
        if not self.scored:
            return [], None, ""
        groups = group_by_configuration(self.scored)
        try:
            by_uf1, by_uar = rank_configurations(groups, "uf1", "uar")
        except InputError as error:
            return [], None, f"The runs cannot be ranked. {error}"
        uar = {place.index: place for place in by_uar.ranked}
        rows = []
        for place in by_uf1.ranked:
            runs, own = groups[place.index], uar[place.index]
            rows.append(Standing(self.labels[runs[0].pk], runs, place, own.score, own.interval))
        expected = None if by_uf1.chosen is None else Expected(by_uf1.chosen, by_uf1.chosen_interval)
        return rows, expected, ""

    @property
    def best(self) -> Standing | None:
        return self.rows[0] if self.rows else None

    @property
    def rivals(self) -> list[Standing]:
        """Those that may be as good as the leading one."""
        return [row for row in self.rows[1:] if row.place.may_be_best]

    @cached_property
    def varied(self) -> dict[str, list[str]]:
        """The settings in which the runs differ, their seeds aside, and the value of each run."""
        return dict(varied_settings(self.runs))

    @property
    def several_seeds(self) -> bool:
        return any(len(row.runs) > 1 for row in self.rows)


def labels(runs: Sequence[Run]) -> dict[int, str]:
    """What tells each run from the others of its experiment, its seed aside; the run's name where nothing does."""
    by_net: dict[str, list[Run]] = {}
    for run in runs:
        by_net.setdefault(run.settings.net.title, []).append(run)
    found: dict[int, str] = {}
    for title, same in by_net.items():
        own = [title] if len(by_net) > 1 else []
        varied = varied_settings(same)
        for number, run in enumerate(same):
            parts = own + [f"{setting.lower()} {values[number]}" for setting, values in varied]
            found[run.pk] = ", ".join(parts) or run.name
    return found


def varied_settings(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """Return the settings in which runs differ, their seeds aside, and the value of each run."""
    found = differences([run.settings for run in runs])
    return [(title, values) for title, values in found if title != RunConfig.model_fields["seed"].title]
