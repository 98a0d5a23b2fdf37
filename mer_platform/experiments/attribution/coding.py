"""The action units that coders saw in the samples of a version, by the regions of the face that they move."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from mer_platform.annotation.models import Consensus
from mer_platform.composites.models import CompositeVersion, Sample
from models_ml.attribution.face import REGIONS, regions_of_units
from models_ml.formats.action_unit_grammar import Choice
from models_ml.formats.action_units import parse_action_units


def coded_regions(version: CompositeVersion) -> NDArray[np.float64]:
    """Return for each sample and region whether a coded unit moves the region: (N, regions), 1, 0, or NaN if none is coded.

    The units are those of the consensus as it is now: a frozen version keeps frames and classes, but no units. "6 or 12"
    counts for the regions of both; units that are doubtful or set aside do not count.
    """
    samples = list(version.samples.order_by("index"))
    by_clip: dict[int, list[Consensus]] = defaultdict(list)
    for row in Consensus.objects.filter(clip__in={s.clip_id for s in samples if s.clip_id}):
        by_clip[row.clip_id].append(row)
    found = np.full((len(samples), len(REGIONS)), np.nan)
    for line, sample in zip(found, samples, strict=True):
        units = _units(sample, by_clip[sample.clip_id] if sample.clip_id else [])
        if units:
            moved = regions_of_units(units)
            line[:] = [region.name in moved for region in REGIONS]
    return found


def _units(sample: Sample, coded: list[Consensus]) -> set[int]:
    """Return the units of the expression on the sample's frames."""
    same = [row for row in coded if (row.onset, row.offset) == (sample.onset, sample.offset)]
    if not same:
        return set()
    try:
        terms = parse_action_units(same[0].action_units)
    except ValueError:  # stored by an earlier version, which read units in another way
        return set()
    units = [unit for term in terms for unit in (term.options if isinstance(term, Choice) else (term,))]
    return {unit.number for unit in units if unit.certain}
