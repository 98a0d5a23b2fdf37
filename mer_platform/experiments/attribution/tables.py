"""The numbers of attributions, as pages show them and papers print them."""

import numpy as np

from mer_platform.experiments.attribution.choosing import Chosen
from mer_platform.experiments.attribution.figures import strongest_region
from mer_platform.experiments.tables import measured
from models_ml.attribution.face import PROTOTYPES, REGIONS, expected_regions, region_weights
from models_ml.attribution.results import KINDS
from models_ml.attribution.summary import CODED
from models_ml.classes import CLASSES
from models_ml.paper.tables import Cell, Table


def regions_table(chosen: Chosen) -> Table:
    """How attribution and motion are distributed over the regions of the face, by class."""
    rows: list[list[Cell]] = []
    found = {r.label: r for r in chosen.summary.regions if (r.target, r.kind) == (chosen.target, chosen.kind)}
    area = region_weights(28).mean(axis=(1, 2))
    for label in CLASSES:
        row = found.get(label)
        if row is None or not chosen.place.fits:
            continue
        expected = expected_regions(label)
        for region, share in zip(REGIONS, area, strict=True):
            own = row.estimates[region.name]
            units = ", ".join(f"AU{unit}" for unit in region.units if unit in PROTOTYPES[label])
            rows.append(
                [
                    label, row.samples, row.subjects, region.name, units if region.name in expected else "–",
                    float(share), own["motion"], own["attribution"], own["difference"],
                    own.get(CODED) if region.units else None,
                ]
            )  # fmt: skip
    caption = (
        f"Shares of the regions of the face in the absolute attribution, as means over samples with 95% intervals from a "
        f"bootstrap over subjects. {chosen.about} Action units: those of the emotions behind the class (EMFACS) that move "
        f"the region. Samples with such units coded: those in which a unit of the consensus moves the region, among the "
        f"samples with coded units. {measured([chosen.run])}"
    )
    columns = [
        "Class", "Samples", "Subjects", "Region", "Action units", "Share of area", "Share of motion",
        "Share of attribution", "Attribution − motion", "Samples with such units coded",
    ]  # fmt: skip
    return Table("attribution-regions", caption, columns, rows)


def faces_table(chosen: Chosen) -> Table:
    """The mean maps by class and database: how much speaks for and against the class, and where most."""
    k = KINDS.index(chosen.kind)
    rows: list[list[Cell]] = []
    for mean in chosen.summary.means:
        if mean.target != chosen.target:
            continue
        values = mean.maps[k].astype(np.float64)
        weights = region_weights(values.shape[0])
        largest = float(np.abs(values).max() * 100)
        cells: list[Cell] = [mean.label, mean.database or "all", mean.samples, mean.subjects, largest]
        if chosen.place.fits:
            cells += [strongest_region(values, weights, sign) for sign in (1, -1)]
        rows.append(cells)
    columns = ["Class", "Database", "Samples", "Subjects", "Largest value (percentage points)"]
    if chosen.place.fits:
        columns += ["Most for the class", "Most against it"]
    caption = f"Mean maps by class and database. {chosen.about} {measured([chosen.run])}"
    return Table("attribution-faces", caption, columns, rows)
