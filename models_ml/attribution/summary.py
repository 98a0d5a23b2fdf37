"""Mean attributions by class and database, and by region with intervals over subjects. Imports no torch."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models_ml.attribution.face import REGION_NAMES
from models_ml.attribution.results import KINDS, Attributions
from models_ml.classes import CLASSES
from models_ml.evaluation.uncertainty import RESAMPLES, interval_of, resamples
from models_ml.paper.tables import Estimate

TARGETS = ("predicted", "true")  # which class a row of a sample explains
MEASURES = ("attribution", "motion", "difference")
CODED = "coded"


@dataclass(frozen=True)
class MeanMap:
    """The mean maps of the samples of one class, (4, cells, cells), in one database, or in all if ``database`` is empty."""

    target: str
    label: str
    database: str
    samples: int
    subjects: int
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class RegionShares:
    """The distribution over the regions, for the samples of one class and one kind of map.

    ``estimates`` has, for each region, the mean share of the attribution, that of the motion, their difference and, if
    action units are coded, the share of the samples in which a coded unit moves the region.
    """

    target: str
    label: str
    kind: str
    samples: int
    subjects: int
    estimates: dict[str, dict[str, Estimate]]


@dataclass(frozen=True)
class Summary:
    """What a page shows of a run's attributions.

    Attributes
    ----------
    cell
        Side of a cell as a share of the image's side.
    databases
        In alphabetical order.
    largest_gap
        By how much the sum of a sample's map is off at most; None for occlusion.
    """

    cell: float
    databases: tuple[str, ...]
    means: tuple[MeanMap, ...]
    regions: tuple[RegionShares, ...]
    largest_gap: float | None

    def as_json(self) -> dict[str, Any]:
        """Return plain values; maps are packed as base64 of float16, little-endian."""
        return {
            "cell": self.cell,
            "databases": list(self.databases),
            "largest_gap": self.largest_gap,
            "means": [{**vars(mean), "maps": _packed(mean.maps)} for mean in self.means],
            "regions": [
                {
                    **vars(row),
                    "estimates": {
                        region: {name: [e.value, *(e.interval or ())] for name, e in own.items()}
                        for region, own in row.estimates.items()
                    },
                }
                for row in self.regions
            ],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Read what ``as_json`` returned."""
        return cls(
            content["cell"],
            tuple(content["databases"]),
            tuple(MeanMap(**{**mean, "maps": _unpacked(mean["maps"])}) for mean in content["means"]),
            tuple(
                RegionShares(
                    **{
                        **row,
                        "estimates": {
                            region: {
                                name: Estimate(found[0], (found[1], found[2]) if len(found) == 3 else None)
                                for name, found in own.items()
                            }
                            for region, own in row["estimates"].items()
                        },
                    }
                )
                for row in content["regions"]
            ),
            content["largest_gap"],
        )


def summarise(
    found: Attributions,
    labels: Sequence[int],
    predicted: Sequence[int],
    subjects: Sequence[str],
    databases: Sequence[str],
    n: int = RESAMPLES,
    coded: NDArray[np.float64] | None = None,
) -> Summary:
    """Summarise attributions by the class that they explain: the predicted or the true class of each sample.

    Each sample counts once. The 95% intervals come from a bootstrap over subjects, as those of the scores do (see
    ``models_ml.evaluation.uncertainty``); the intervals of the difference take attribution and motion of the same subjects.

    Parameters
    ----------
    labels, predicted
        Positions in ``CLASSES``, by the position of a sample in the version.
    subjects, databases
        Of each sample.
    n
        Number of resamples.
    coded
        (N, regions): whether a coded action unit moves the region, 1 or 0; NaN for samples without coded units.
    """
    if coded is None:
        coded = np.full((len(labels), len(REGION_NAMES)), np.nan)
    names = tuple(sorted(set(databases)))
    people, where = np.array(subjects)[found.samples], np.array(databases)[found.samples]
    means, regions = [], []
    for target, classes in (("predicted", predicted), ("true", labels)):
        explained = found.targets == np.array(classes)[found.samples]
        for number, label in enumerate(CLASSES):
            rows = explained & (found.targets == number)
            for database in ("", *names):
                own = rows & (where == database) if database else rows
                if own.any():
                    mean = found.maps[own].astype(np.float32).mean(axis=0)
                    count = len(set(people[own]))
                    means.append(MeanMap(target, label, database, int(own.sum()), count, mean))
            if rows.any():
                regions += _regions(found, rows, people, coded, target, label, n)
    gaps = found.gaps[~np.isnan(found.gaps)]
    gap = float(gaps.max()) if len(gaps) else None
    return Summary(found.cell, names, tuple(means), tuple(regions), gap)


def _regions(
    found: Attributions,
    rows: NDArray[np.bool_],
    people: NDArray[Any],
    coded: NDArray[np.float64],
    target: str,
    label: str,
    n: int,
) -> list[RegionShares]:
    """Return the shares of each kind of map. Samples without attribution or without motion are left out."""
    seen = coded[found.samples]
    shown = _means(seen, rows & ~np.isnan(seen[:, 0]), people, n)
    parts = []
    for k, kind in enumerate(KINDS):
        attribution, motion = (v[:, k].astype(np.float64) for v in (found.attribution, found.motion))
        known = rows & ~np.isnan(attribution[:, 0]) & ~np.isnan(motion[:, 0])
        if not known.any():
            continue
        values = {
            name: _means(own, known, people, n)
            for name, own in zip(MEASURES, (attribution, motion, attribution - motion), strict=True)
        }
        if shown:
            values[CODED] = shown
        estimates = {
            region: {name: own[r] for name, own in values.items()} for r, region in enumerate(REGION_NAMES)
        }
        subjects = len(set(people[known]))
        parts.append(RegionShares(target, label, kind, int(known.sum()), subjects, estimates))
    return parts


def _means(
    values: NDArray[np.float64], rows: NDArray[np.bool_], people: NDArray[Any], n: int
) -> list[Estimate]:
    """Return the mean of each column of (R, regions) over some rows, with an interval over subjects; empty without rows."""
    if not rows.any():
        return []
    names, person = np.unique(people[rows], return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, person, values[rows])
    means = values[rows].mean(axis=0)
    if len(names) == 1:
        return [Estimate(float(mean), None) for mean in means]
    drawn = resamples(len(names), n).astype(np.float64)
    spread = (drawn @ sums) / (drawn @ np.bincount(person))[:, None]
    return [Estimate(float(mean), interval_of(column)) for mean, column in zip(means, spread.T, strict=True)]


def _packed(values: NDArray[np.float32]) -> dict[str, Any]:
    return {
        "shape": list(values.shape),
        "float16": base64.b64encode(values.astype("<f2").tobytes()).decode("ascii"),
    }


def _unpacked(packed: dict[str, Any]) -> NDArray[np.float32]:
    flat = np.frombuffer(base64.b64decode(packed["float16"]), dtype="<f2")
    return flat.reshape(packed["shape"]).astype(np.float32)
