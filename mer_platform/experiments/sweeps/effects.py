"""What each setting of an experiment does, with the others averaged: computed once for the scored runs, then stored."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from mer_platform.configurations.display import differing_settings
from mer_platform.experiments.models import Experiment, Run, StoredEffects
from mer_platform.experiments.results import configuration_confusions
from models_ml.config import RunConfig
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.effects import (
    EFFECTS_VERSION,
    Effects,
    Interaction,
    SettingEffect,
    ValueEffect,
    effects,
)
from models_ml.nets.base import BaseNet
from models_ml.paper.forms import MINUS

_SEED = RunConfig.model_fields["seed"].title
NETWORK = BaseNet.model_fields["name"].title or "Network"


@dataclass(frozen=True)
class ShownValue:
    """A value of a setting, with its effect on both scores."""

    uf1: ValueEffect
    uar: ValueEffect


@dataclass(frozen=True)
class ShownSetting:
    """A setting, with the rows of its values."""

    effect: SettingEffect
    rows: list[ShownValue]


@dataclass(frozen=True)
class ShownEffects:
    """The effects of an experiment's settings on UF1 and UAR, as page and API show them."""

    by_uf1: Effects
    by_uar: Effects

    @property
    def settings(self) -> list[ShownSetting]:
        """The settings, the one with the largest effect on UF1 first."""
        uar = {one.setting: one for one in self.by_uar.settings}
        return [
            ShownSetting(
                one, [ShownValue(*pair) for pair in zip(one.values, uar[one.setting].values, strict=True)]
            )
            for one in self.by_uf1.settings
        ]

    @property
    def sentences(self) -> list[str]:
        """What the effects on UF1 show, in words."""
        return [*_about_settings(self.by_uf1.settings), *_about_dependence(self.by_uf1)]


def effects_of(experiment: Experiment, groups: Sequence[Sequence[Run]]) -> ShownEffects:
    """Return the effects of the settings in which groups of runs differ. A group holds the runs of one configuration.

    Raises InputError as ``configuration_confusions`` does, and if there are fewer than two subjects.
    """
    runs = [[run.pk for run in group] for group in groups]
    key = hashlib.sha256(json.dumps([METRICS_VERSION, EFFECTS_VERSION, runs]).encode()).hexdigest()
    stored = getattr(experiment, "stored_effects", None)
    if stored is None or stored.key != key:
        by_uf1, by_uar = map(asdict, _compute(groups))
        content = {"key": key, "by_uf1": by_uf1, "by_uar": by_uar}
        stored = StoredEffects.objects.update_or_create(experiment=experiment, defaults=content)[0]
        experiment.stored_effects = stored
    return ShownEffects(Effects.from_dict(stored.by_uf1), Effects.from_dict(stored.by_uar))


def _compute(groups: Sequence[Sequence[Run]]) -> list[Effects]:
    differing = [
        one for one in differing_settings([group[0].settings for group in groups]) if one.title != _SEED
    ]
    belonging = {NETWORK: {one.title for one in differing if one.section == "net" and one.title != NETWORK}}
    settings = {one.title: one.values for one in differing}
    counts = configuration_confusions(groups)
    return [effects(settings, counts, score, belonging) for score in ("uf1", "uar")]


def _about_settings(settings: Sequence[SettingEffect]) -> list[str]:
    if not settings:
        return []
    first = settings[0]
    low, high = first.contrast, first.best
    values = f"mean UF1 is {low.score:.3f} with {low.value} and {high.score:.3f} with {high.value}"
    difference = f"{low.behind:.3f} (95%: {_interval(low)})"
    only = len(settings) == 1
    if not first.significant:
        which = (
            f"{first.setting} has"
            if only
            else f"No setting has a significant effect on average. {first.setting} has"
        )
        what = "no significant effect" if only else "the largest"
        return [f"{which} {what}: {values}, a difference of {difference}."]
    start = f"{first.setting} has a significant effect" if only else f"{first.setting} has the largest effect"
    found = [f"{start}: {values}. The difference of {difference} is significant."]
    also = [one for one in settings[1:] if one.significant]
    if also:
        found.append(f"Also significant: {'; '.join(map(_in_short, also))}.")
    if rest := [one.setting for one in settings[1:] if not one.significant]:
        found.append(f"Not significant: {', '.join(rest)}.")
    return found


def _in_short(one: SettingEffect) -> str:
    low = one.contrast
    return f"{one.setting}, where {one.best.value} is ahead of {low.value} by {low.behind:.3f} ({_interval(low)})"


def _interval(value: ValueEffect) -> str:
    low, high = value.behind_interval or (0.0, 0.0)
    return f"{_signed(low)} to {_signed(high)}"


def _signed(number: float) -> str:
    return f"{number:.3f}".replace("-", MINUS)


def _about_dependence(found: Effects) -> list[str]:
    if len(found.settings) < 2 or found.interactions_tested == 0:
        return []
    if found.interactions_tested is None:
        return ["There are too many values to test whether the effect of one setting depends on another."]
    if not found.interactions:
        return [
            "No effect depends significantly on another setting, which does not show that all are independent."
        ]
    return [_dependence(one) for one in found.interactions]


def _dependence(one: Interaction) -> str:
    (before, after), (low, high) = one.values, one.other_values
    first, second = (f"{change:+.3f}".replace("-", MINUS) for change in one.changes)
    return (
        f"The effect of {one.setting} depends on {one.other}, so its average hides something: from {before} to {after}, UF1 "
        f"changes by {first} with {one.other.lower()} {low}, and by {second} with {one.other.lower()} {high}."
    )
