"""Names that distinguish the runs of a table or a figure."""

from collections import Counter
from collections.abc import Sequence

from mer_platform.configurations.display import ABSENT, differences
from mer_platform.experiments.models import Run
from models_ml.config import RunConfig

_LONGEST = 40  # characters of a name in a figure


def names_in_figure(runs: Sequence[Run]) -> list[str]:
    """Return a short name of each run, no two equal: its name or the settings that differ, then its seed or its number."""
    own = {run.pk: run.marked_name for run in runs}
    if len(set(own.values())) < len(runs):
        own = labels(runs)
    names = [_shortened(own[run.pk]) for run in runs]
    for suffix in (", seed {run.seed}", " (#{run.pk})"):
        repeated = {name for name, times in Counter(names).items() if times > 1}
        names = [
            name + suffix.format(run=run) if name in repeated else name
            for name, run in zip(names, runs, strict=True)
        ]
    return names


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def labels(runs: Sequence[Run]) -> dict[int, str]:
    """Return what distinguishes each run from the others of its experiment, except the seed; its name if nothing does."""
    by_net: dict[str, list[Run]] = {}
    for run in runs:
        by_net.setdefault("" if run.is_external else run.settings.net.title, []).append(run)
    external = {run.pk: run.marked_name for run in by_net.pop("", [])}
    found = external
    for title, same in by_net.items():
        own = [title] if len(by_net) > 1 else []
        varied = varied_settings(same)
        for number, run in enumerate(same):
            parts = own + [f"{setting.lower()} {values[number]}" for setting, values in varied]
            found[run.pk] = ", ".join(parts) or run.name
    return found


def varied_settings(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """Return the settings, except the seed, in which runs differ, and the value of each run."""
    found = setting_differences(runs)
    return [(title, values) for title, values in found if title != RunConfig.model_fields["seed"].title]


def setting_differences(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """Return the settings in which runs differ: title, and the value in each; ABSENT for external runs, which have none."""
    known = [number for number, run in enumerate(runs) if not run.is_external]
    found = []
    for title, values in differences([runs[number].settings for number in known]):
        row = [ABSENT] * len(runs)
        for number, value in zip(known, values, strict=True):
            row[number] = value
        found.append((title, row))
    return found
