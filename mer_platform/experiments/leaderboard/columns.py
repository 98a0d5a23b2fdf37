"""What a leaderboard can show, sort and filter by: scores, settings and facts, each under one key."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from mer_platform.configurations.flat import setting_titles
from models_ml.classes import CLASSES

OVERALL = {"uf1": "UF1", "uar": "UAR", "accuracy": "Accuracy"}
RATIOS = {"f1": "F1", "recall": "Recall", "precision": "Precision"}
FACTS = {
    "name": "Name",
    "state": "State",
    "version": "Version",
    "protocol": "Protocol",
    "experiment": "Experiment",
    "tags": "Tags",
    "author": "Author",
    "created": "Started",
    "duration": "Duration",
    "samples": "Samples",
}
DIFFERENCE = "difference"
UNSORTED = ("tags", DIFFERENCE)  # a difference from the baseline has the order of UF1


@dataclass(frozen=True)
class Column:
    """A column. ``group`` is what the chooser lists it under."""

    key: str
    title: str
    kind: Literal["score", "setting", "fact", "difference"]
    group: str

    @property
    def sortable(self) -> bool:
        return self.key not in UNSORTED


def score_columns(databases: Iterable[str]) -> list[Column]:
    """Return the scores of all samples, of each class and of each database, for example ``uf1.CASME II``."""
    found = [Column(key, title, "score", "Scores") for key, title in OVERALL.items()]
    found.append(Column(DIFFERENCE, "UF1 − baseline", "difference", "Scores"))
    found += [
        Column(f"{ratio}.{name}", f"{title}, {name}", "score", "Scores of a class")
        for ratio, title in RATIOS.items()
        for name in CLASSES
    ]
    found += [
        Column(f"{score}.{name}", f"{title}, {name}", "score", "Scores of a database")
        for name in databases
        for score, title in OVERALL.items()
    ]
    return found


def all_columns(databases: Iterable[str], settings: Collection[str]) -> dict[str, Column]:
    """Return every column by its key. ``settings`` are the paths that some run has; others are columns without values."""
    columns = score_columns(databases)
    columns += [
        Column(path, title, "setting", _section(path)) for path, title in settings_in_order(settings).items()
    ]
    columns += [Column(key, title, "fact", "About the run") for key, title in FACTS.items() if key != "name"]
    return {column.key: column for column in columns}


def settings_in_order(paths: Collection[str]) -> dict[str, str]:
    """Return the titles of settings by path, in the order of the forms; unknown ones (of an old network) come last."""
    titles = setting_titles()
    known = {path: title for path, title in titles.items() if path in paths}
    return known | {path: path.rpartition(".")[2] for path in sorted(paths) if path not in titles}


def _section(path: str) -> str:
    sections = {"net": "Network", "train": "Training", "features": "Motion features"}
    return sections.get(path.partition(".")[0], "Run")
