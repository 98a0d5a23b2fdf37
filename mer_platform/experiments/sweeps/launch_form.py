"""The form that launches one configuration or many: a preset of the platform, or a grid of your own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from mer_platform.configurations import axes
from mer_platform.configurations.axes import Axis
from mer_platform.configurations.fields import NumberList
from mer_platform.configurations.parsing import parse_sweep
from mer_platform.configurations.settings_form import Setting, SettingsGroup
from mer_platform.experiments.models import Experiment
from mer_platform.experiments.models.weights import retention_in_words
from mer_platform.experiments.sweeps.estimate import Estimate, estimate
from mer_platform.experiments.sweeps.run_form import SHOWN_WHEN, RunForm, initial_of
from models_ml.config import NET_CONFIGS, PRESETS, SweepConfig

ONE, GRID = "one", "grid"
MIN_AXES = 4  # rows for axes that the form shows at least
MANY = " ".join([*PRESETS, GRID])
# The form asks for a network unless a preset varies it.
ONE_NET = " ".join([ONE, GRID, *(key for key, preset in PRESETS.items() if "net" not in preset.sweep.grid)])


@dataclass(frozen=True)
class LaunchOption:
    """One of the things that the form can launch."""

    value: str
    title: str
    description: str
    chosen: bool


class LaunchForm(RunForm):
    """A valid form has ``sweep`` and ``estimate``, and for a single configuration ``config``."""

    conditions = {**SHOWN_WHEN, "seed": ("what", ONE), "seeds": ("what", MANY)}
    sweep: SweepConfig
    estimate: Estimate

    def __init__(self, data: Any = None, *args: Any, versions: Any, **kwargs: Any) -> None:
        if data is not None and "what" not in data:
            data = data.copy()
            data["what"] = ONE
        super().__init__(data, *args, versions=versions, **kwargs)
        self.axes = self._axes()

    def _add_fields(self) -> None:
        super()._add_fields()
        options = [(option.value, option.title) for option in self.launch_options()]
        self.fields["what"] = forms.ChoiceField(choices=options, initial=ONE, label="What to train")
        self.fields["seeds"] = NumberList(
            label="Seeds",
            initial="0",
            help_text="Each configuration runs once per seed. Seeds 0, 1, 2 triple the work and show how much scores "
            "vary by chance.",
        )
        self.fields["priority"] = forms.IntegerField(
            label="Priority",
            initial=0,
            required=False,
            min_value=Experiment.LOWEST,
            max_value=Experiment.HIGHEST,
            help_text=f"{Experiment.LOWEST} to {Experiment.HIGHEST}. Waiting work with a higher priority starts first.",
        )
        self.fields["device"] = forms.ChoiceField(
            label="Device", choices=Experiment.Device.choices, required=False, initial=Experiment.Device.AUTO
        )
        self.fields["keep_weights"] = forms.ChoiceField(
            label="Keep the networks of folds",
            choices=Experiment.KeepWeights.choices,
            required=False,
            initial=Experiment.KeepWeights.AUTO,
            help_text="Attribution needs them: it shows where on the face each fold's network looked. "
            f"{retention_in_words()}",
        )

    def as_sent(self) -> "LaunchForm":
        """Return the form as it would be sent unchanged, to check it when the page opens."""
        data = {name: self[name].value() for name in self.fields}
        data["version"] = self.chosen_version.pk if self.chosen_version else None
        return LaunchForm(data, versions=self.versions, initial=self.initial)

    def launch_options(self) -> Iterator[LaunchOption]:
        chosen = self._chosen("what", ONE)
        yield LaunchOption(ONE, "One configuration", "With the settings below.", chosen == ONE)
        for key, preset in PRESETS.items():
            runs = len(preset.sweep.runs())
            yield LaunchOption(
                key, f"{preset.title}: {runs} configurations", preset.description, chosen == key
            )
        yield LaunchOption(
            GRID, "A grid of your own", "Every combination of the values that you enter.", chosen == GRID
        )

    def title(self) -> str:
        """Return the given name, or one made of what varies; empty for a single configuration."""
        name, what = self.cleaned_data["name"].strip(), self.cleaned_data["what"]
        if name or not self.many:
            return name
        if what in PRESETS:
            return PRESETS[what].title
        return " × ".join(axes.title_of(path) for path in self.sweep.grid)

    def scheduling(self) -> SettingsGroup:
        fields = [self["priority"], self["device"], self["keep_weights"]]
        return SettingsGroup("scheduling", "Priority, device and storage", fields)

    def tested_by(self) -> list[Setting]:
        return [*super().tested_by(), self["seeds"]]

    @property
    def many(self) -> bool:
        return self._chosen("what", ONE) != ONE

    @property
    def own_grid(self) -> bool:
        return self._chosen("what", ONE) == GRID

    @property
    def net_asked(self) -> bool:
        return self._chosen("what", ONE) in ONE_NET.split()

    @property
    def by_gradient(self) -> bool:
        return not self.net_asked or super().by_gradient

    @property
    def net_shown_when(self) -> str:
        return f"what={ONE_NET}"

    @property
    def training_shown_when(self) -> str:
        others = " ".join(value for value in (ONE, *MANY.split()) if value not in ONE_NET.split())
        return f"{super().training_shown_when};what={others}"

    @property
    def settings_to_vary(self) -> dict[str, list[tuple[str, str]]]:
        return axes.settings_to_vary()

    @property
    def network_names(self) -> list[tuple[str, str]]:
        """The name and the title of each network, as an axis of networks takes it."""
        return [(name, net.title) for name, net in NET_CONFIGS.items()]

    def _axes(self) -> list[Axis]:
        if isinstance(self.data, QueryDict):
            rows = zip(self.data.getlist("axis"), self.data.getlist("values"), strict=False)
            found = [Axis(path.strip(), text.strip()) for path, text in rows]
        else:
            found = list(self.initial.get("axes", []))
        return [*found, *(Axis() for _ in range(MIN_AXES - len(found)))]

    def _conclude(self, cleaned: dict[str, Any]) -> None:
        if self.many:
            data = {"base": self._data(cleaned), "grid": self._grid(), "seeds": cleaned.get("seeds", [])}
            self.sweep = parse_sweep(data)
        else:
            super()._conclude(cleaned)
            self.sweep = SweepConfig(base=self.config.model_dump(mode="json"))
        if "version" in cleaned:
            device = cleaned.get("device") or Experiment.Device.AUTO
            keep = cleaned.get("keep_weights") or Experiment.KeepWeights.AUTO
            self.estimate = estimate(cleaned["version"], self.sweep, device, keep)

    def _grid(self) -> dict[str, Any]:
        """Return the axes of the grid. An axis with an error has the value None, like a setting in ``_data``."""
        if not self.own_grid:
            preset = PRESETS.get(self._chosen("what", ONE))
            return preset.sweep.model_dump(mode="json")["grid"] if preset else {}
        grid: dict[str, Any] = {}
        for axis in self.axes:
            if not axis.path and not axis.text:
                continue
            try:
                if axis.path in grid:
                    raise ValidationError(
                        f"{axes.title_of(axis.path)} varies in two rows. Put its values into one row."
                    )
                grid[axis.path] = axes.parse_values(axis.path, axis.text, self.net)
            except ValidationError as error:
                self._add_axis_error(axis, error.messages)
                if axis.path:
                    grid.setdefault(axis.path, [None])
        if not grid and not any(axis.errors for axis in self.axes):
            self._add_axis_error(self.axes[0], ["Choose a setting to vary and enter its values."])
        return grid

    def _add_axis_error(self, axis: Axis, messages: list[str]) -> None:
        axis.errors.extend(messages)
        self.add_error(None, messages)

    def _add_errors(self, by_place: dict[str, list[str]]) -> None:
        wrong = [axis for axis in self.axes if axis.errors]
        elsewhere = {}
        for place, messages in by_place.items():
            axis = self._axis_at(place)
            if axis is None:
                elsewhere[place.removeprefix("base.")] = messages
            elif axis not in wrong:
                self._add_axis_error(axis, messages)
        super()._add_errors(elsewhere)

    def _axis_at(self, place: str) -> Axis | None:
        section, _, rest = place.partition(".")
        inside = [axis for axis in self.axes if axis.path and f"{rest}.".startswith(f"{axis.path}.")]
        return max(inside, key=lambda axis: len(axis.path)) if section == "grid" and inside else None


def initial_of_sweep(sweep: SweepConfig) -> dict[str, Any]:
    """Return the form's initial values for launching a sweep again."""
    grid = sweep.model_dump(mode="json")["grid"]
    preset = next(
        (key for key, p in PRESETS.items() if p.sweep.model_dump(mode="json")["grid"] == grid), GRID
    )
    values = initial_of(sweep.base) | {"what": preset if grid else ONE}
    if sweep.seeds:
        values["seeds"] = ", ".join(map(str, sweep.seeds))
        values["what"] = preset  # one configuration with several seeds is a grid too
    if values["what"] == GRID:
        values["axes"] = [Axis(path, axes.format_values(path, found)) for path, found in grid.items()]
    return values
