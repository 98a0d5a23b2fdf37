"""Which configurations of a grid are averaged to see what one setting does, or how two depend on each other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

MAX_CONTRASTS = (
    20_000  # beyond it, testing all pairs of settings takes longer than ranking 240 configurations
)

Settings = Mapping[str, Sequence[str | None]]
Block = tuple[str | None, ...]  # values of the other settings
Cells = dict[str, dict[Block, list[int]]]  # positions of configurations, by value and block


@dataclass(frozen=True)
class Part:
    """A setting's values, and the weights of the configurations in the mean of each.

    ``weights`` is (values, configurations), and each row sums to 1. ``effects.SettingEffect`` describes the other fields.
    """

    setting: str
    values: list[str]
    weights: NDArray[np.float64]
    combinations: int
    left_out: int
    values_left_out: list[str]
    with_own: list[str]


@dataclass(frozen=True)
class Contrast:
    """How the change between two values of a setting differs between two values of another.

    ``changes`` has the weights (configurations,) of the change at each of ``other_values``.
    """

    setting: str
    values: tuple[str, str]
    other: str
    other_values: tuple[str, str]
    changes: tuple[NDArray[np.float64], NDArray[np.float64]]

    @property
    def weights(self) -> NDArray[np.float64]:
        return self.changes[1] - self.changes[0]


def main_effect_parts(
    settings: Settings, belonging: Mapping[str, Collection[str]]
) -> tuple[list[Part], list[str]]:
    """Return what is averaged for each setting, and the settings that cannot be separated from the others.

    A setting that is averaged as part of another one is not among the latter.

    Parameters
    ----------
    settings
        For each setting, its value in each configuration; None where a configuration does not use it.
    belonging
        Settings that belong to a setting; see ``effects.effects``.
    """
    parts, unseparated = [], []
    for title, values in settings.items():
        if len({value for value in values if value is not None}) < 2:
            continue
        part = _part(settings, title, belonging.get(title, ()))
        if part:
            parts.append(part)
        else:
            unseparated.append(title)
    own = {title for part in parts for title in part.with_own}
    return parts, [title for title in unseparated if title not in own]


def interaction_contrasts(settings: Settings, most: int = MAX_CONTRASTS) -> list[Contrast] | None:
    """Return a contrast for each two values of each two settings, over the combinations of the others that have all four.

    Parameters
    ----------
    settings
        As in ``main_effect_parts``.
    most
        None is returned if there are more contrasts.
    """
    pairs = list(combinations(settings, 2))
    counts = {
        title: len({value for value in values if value is not None}) for title, values in settings.items()
    }
    if sum(_pairs(counts[one]) * _pairs(counts[other]) for one, other in pairs) > most:
        return None
    return [contrast for one, other in pairs for contrast in _contrasts(settings, one, other)]


def in_order(values: Sequence[str]) -> list[str]:
    """Return different values by size if all are numbers, otherwise in their order.

    >>> in_order(["10", "9", "0.5"]), in_order(["yes", "no"])
    (['0.5', '9', '10'], ['yes', 'no'])
    """
    different = list(dict.fromkeys(values))
    try:
        return sorted(different, key=float)
    except ValueError:
        return different


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _part(settings: Settings, title: str, belonging: Collection[str]) -> Part | None:
    """Return what is averaged for a setting; None if fewer than two of its values share a combination of the others."""
    others = [other for other in settings if other != title]
    own = [other for other in others if other in belonging or _unused_by_some(settings, title, other)]
    cells = _cells(settings, title, others)
    kept, blocks = _shared(cells)
    with_own: list[str] = []
    if own and len(kept) < len(cells):
        apart = _cells(settings, title, [other for other in others if other not in own])
        found = _shared(apart)
        if len(found[0]) > len(kept):
            cells, (kept, blocks), with_own = apart, found, own
    if len(kept) < 2:
        return None
    weights = np.zeros((len(kept), len(settings[title])))
    for row, value in enumerate(kept):
        for block in blocks:
            members = cells[value][block]
            weights[row, members] = 1 / len(blocks) / len(members)
    partly = {block for value in kept for block in cells[value]} - blocks
    left_out = [value for value in cells if value not in kept]
    return Part(title, kept, weights, len(blocks), len(partly), left_out, with_own)


def _unused_by_some(settings: Settings, title: str, other: str) -> bool:
    """Return whether configurations with some values of a setting use another setting, and those with others never do."""
    users: dict[str, bool] = {}
    for value, used in zip(settings[title], settings[other], strict=True):
        if value is not None:
            users[value] = users.get(value, False) or used is not None
    return len(set(users.values())) > 1


def _cells(settings: Settings, title: str, others: Sequence[str]) -> Cells:
    """Return the configurations that use a setting, by its value and by the values of others."""
    cells: Cells = {value: {} for value in in_order([v for v in settings[title] if v is not None])}
    for i, value in enumerate(settings[title]):
        if value is not None:
            cells[value].setdefault(tuple(settings[other][i] for other in others), []).append(i)
    return cells


def _shared(cells: Cells) -> tuple[list[str], set[Block]]:
    """Return the values that are compared, and the blocks that all of them have.

    All values are, if they share at least half of all blocks. Otherwise, values with the fewest blocks are left out so that
    as many cells as possible are averaged.
    """
    whole: set[Block] = set().union(*cells.values())
    shared = whole.intersection(*cells.values())
    if 2 * len(shared) >= len(whole):
        return list(cells), shared
    by_count = sorted(cells, key=lambda value: -len(cells[value]))
    best: tuple[list[str], set[Block]] = ([], set())
    blocks = set(cells[by_count[0]])
    for number, value in enumerate(by_count[1:], start=2):
        blocks = blocks & set(cells[value])
        if blocks and number * len(blocks) >= len(best[0]) * len(best[1]):
            best = (by_count[:number], blocks)
    return [value for value in cells if value in best[0]], best[1]


def _contrasts(settings: Settings, one: str, other: str) -> list[Contrast]:
    rest = [title for title in settings if title not in (one, other)]
    size = len(settings[one])
    cells: dict[tuple[str, str], dict[Block, list[int]]] = {}
    for i, (a, b) in enumerate(zip(settings[one], settings[other], strict=True)):
        if a is not None and b is not None:
            block = tuple(settings[title][i] for title in rest)
            cells.setdefault((a, b), {}).setdefault(block, []).append(i)
    columns = in_order([a for a, _ in cells])
    lines = in_order([b for _, b in cells])
    found = []
    for first, second in combinations(columns, 2):
        for low, high in combinations(lines, 2):
            four = [
                cells.get(key, {}) for key in ((first, low), (second, low), (first, high), (second, high))
            ]
            blocks = set(four[0]).intersection(*four[1:])
            if not blocks:
                continue
            means = [_mean_weights(cell, blocks, size) for cell in four]
            changes = (means[1] - means[0], means[3] - means[2])
            found.append(Contrast(one, (first, second), other, (low, high), changes))
    return found


def _mean_weights(
    cell: Mapping[Block, Sequence[int]], blocks: Collection[Block], size: int
) -> NDArray[np.float64]:
    weights = np.zeros(size)
    for block in blocks:
        weights[list(cell[block])] = 1 / len(blocks) / len(cell[block])
    return weights
