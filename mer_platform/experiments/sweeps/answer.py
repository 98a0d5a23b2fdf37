"""Which configuration of an experiment is best, and how certain that is."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.naming import labels, varied_settings
from mer_platform.experiments.results import group_by_configuration
from mer_platform.experiments.sweeps.effects import NETWORK, ShownEffects, effects_of
from mer_platform.experiments.sweeps.ranking import ranking_of
from models_ml.errors import InputError
from models_ml.evaluation.design import in_order
from models_ml.evaluation.ranking import RankedConfiguration
from models_ml.evaluation.uncertainty import Interval

MAX_AXES = 8  # of lines from settings to UF1; more would leave no room for their names


class Expected(NamedTuple):
    """A score and its 95% interval; None where there are too few subjects."""

    score: float
    interval: Interval | None


@dataclass(frozen=True)
class Standing:
    """A configuration in the ranking by UF1: its runs, one per seed with the earliest first, its rank and its UAR."""

    label: str
    runs: list[Run]
    rank: RankedConfiguration
    uar: float
    uar_interval: Interval

    @property
    def run(self) -> Run:
        return self.runs[0]

    @property
    def best_percent(self) -> str:
        """The probability of being the best, as precisely as 10,000 resamples allow."""
        share = self.rank.best
        if 0 < share < 0.01:
            return "under 1%"
        return "over 99%" if 0.99 < share < 1 else f"{100 * share:.0f}%"


class Answer:
    """The ranking of an experiment's scored runs, as far as the user may see it. It is read or made on first use."""

    def __init__(self, experiment: Experiment, user: Any) -> None:
        self._experiment = experiment
        self._user = user
        related = experiment.runs.select_related("version__composite", "model")
        self.runs = runs = list(related.order_by("pk"))
        self.scored = [run for run in runs if run.scored]
        self.labels = labels(runs)
        self.open = sum(run.active and not run.scored for run in runs)
        self.total = len(runs)
        self.missing = self.total - self.open - len(self.scored)

    @property
    def standings(self) -> list[Standing]:
        """The configurations, the best first; empty if no run is scored, or if ``problem`` says why not."""
        return self._ranked[0]

    @property
    def expected(self) -> Expected | None:
        """The UF1 to expect on new subjects from choosing the best of these; None if there is nothing to choose from."""
        return self._ranked[1]

    @property
    def problem(self) -> str:
        """Why the runs cannot be ranked, as a sentence; empty if they can."""
        return self._ranked[2]

    @cached_property
    def _ranked(self) -> tuple[list[Standing], Expected | None, str]:
        if not self.scored:
            return [], None, ""
        if hidden := why_scores_hidden(self._user, self._experiment.version_id):
            return [], None, hidden
        try:
            ids, by_uf1, by_uar = ranking_of(self._experiment, self._groups, growing=self.open > 0)
        except InputError as error:
            return [], None, f"Cannot rank the runs. {error}"
        known = {run.pk: run for run in self.scored}
        groups = [[known[pk] for pk in group] for group in ids]
        uar = {rank.index: rank for rank in by_uar.ranked}
        standings = []
        for rank in by_uf1.ranked:
            runs, own = groups[rank.index], uar[rank.index]
            standings.append(Standing(self.labels[runs[0].pk], runs, rank, own.score, own.interval))
        expected = None if by_uf1.chosen is None else Expected(by_uf1.chosen, by_uf1.chosen_interval)
        return standings, expected, ""

    @cached_property
    def _groups(self) -> list[list[Run]]:
        return group_by_configuration(self.scored)

    @property
    def ranked_runs(self) -> int:
        """The number of ranked runs: while runs are open, those that ended last may not be ranked yet."""
        return sum(len(standing.runs) for standing in self.standings)

    @property
    def configurations(self) -> int:
        """The number of configurations with scores."""
        return len(self._groups)

    @cached_property
    def effects(self) -> ShownEffects | None:
        """What each setting does. None while runs are open, and if there is nothing to compare or to show."""
        if self.open or len(self.standings) < 2:
            return None
        return effects_of(self._experiment, self._groups)

    @property
    def no_effects(self) -> str:
        """Why there are no effects of settings to show, as a sentence; empty if there are."""
        if self.problem:
            return self.problem
        if self.open:
            return "The effects appear when all runs have ended. Until then, combinations of settings are missing."
        if not self.effects:
            return "Effects of settings need at least two configurations with scores."
        if not self.effects.settings:
            return "No setting was run with two values and all other settings equal, so effects cannot be separated."
        return ""

    @property
    def best(self) -> Standing | None:
        return self.standings[0] if self.standings else None

    @property
    def rivals(self) -> list[Standing]:
        """The configurations that may be as good as the leader."""
        return [standing for standing in self.standings[1:] if standing.rank.may_be_best]

    @cached_property
    def varied(self) -> dict[str, list[str]]:
        """The settings, except the seed, in which the runs differ, and the value of each run.

        Settings in which only runs of different networks differ are part of the network.
        """
        found = dict(varied_settings(self.runs))
        networks = found.get(NETWORK)
        if networks is None:
            return found
        return {
            title: values
            for title, values in found.items()
            if title == NETWORK or len(set(zip(networks, values, strict=True))) > len(set(networks))
        }

    @property
    def widest(self) -> list[str]:
        """The two settings with the most values, in the order of ``varied``; fewer if fewer vary."""
        most = sorted(self.varied, key=lambda title: -len(set(self.varied[title])))[:2]
        return [title for title in self.varied if title in most]

    @cached_property
    def axes(self) -> list[str]:
        """The settings in which the scored configurations differ; those with the most values, at most ``MAX_AXES``."""
        several = {
            title: len({self.value(title, group[0]) for group in self._groups}) for title in self.varied
        }
        most = sorted((title for title in several if several[title] > 1), key=lambda title: -several[title])
        return [title for title in several if title in most[:MAX_AXES]]

    def value(self, title: str, run: Run) -> str:
        """Return a run's value of one of the settings in ``varied``."""
        return self.varied[title][self._places[run.pk]]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {run.pk: number for number, run in enumerate(self.runs)}

    @property
    def choices(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The values of each of ``axes``, each with the ids of one run per configuration, joined by commas."""
        first = [group[0] for group in self._groups]
        found = []
        for title in self.axes:
            values = [self.value(title, run) for run in first]
            ids = {
                value: [run.pk for run, own in zip(first, values, strict=True) if own == value]
                for value in values
            }
            found.append((title, [(",".join(map(str, ids[value])), value) for value in in_order(values)]))
        return found

    @property
    def several_seeds(self) -> bool:
        return any(len(standing.runs) > 1 for standing in self.standings)
