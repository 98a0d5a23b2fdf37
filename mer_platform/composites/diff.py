"""The differences between two frozen versions."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mer_platform.composites.models import CompositeVersion, Sample

_COMPARED = (
    "content_sha256",
    "database",
    "subject",
    "onset",
    "apex",
    "offset",
    "apex_from",
    "emotion",
    "label",
)


@dataclass(frozen=True)
class Change:
    """A sample that both versions have: field → (before, after)."""

    before: Sample
    after: Sample
    fields: dict[str, tuple[Any, Any]]


@dataclass
class Diff:
    """``label_map``: (database, emotion, before, after); ``rules``: (rule, before, after); None if there was none."""

    added: list[Sample] = field(default_factory=list)
    removed: list[Sample] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    same: int = 0
    label_map: list[tuple[str, str, Any, Any]] = field(default_factory=list)
    rules: list[tuple[str, Any, Any]] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        return not (self.added or self.removed or self.changed or self.label_map or self.rules)


def diff(before: CompositeVersion, after: CompositeVersion) -> Diff:
    """Compare the samples, label map and rules of two versions."""
    result = compare(list(before.samples.all()), list(after.samples.all()))
    result.label_map = _map_changes(before.label_map, after.label_map)
    old, new = _recipe(before), _recipe(after)
    result.rules = [(n, old.get(n), new.get(n)) for n in sorted(old | new) if old.get(n) != new.get(n)]
    return result


def compare(before: Sequence[Sample], after: Sequence[Sample]) -> Diff:
    """Compare samples, paired by content and then by name, because a file can be replaced under the same name."""
    result = Diff()
    old, new = _without_equal(before, after)
    result.same = len(before) - len(old)
    for by in (lambda s: s.content_sha256, lambda s: (s.database, s.subject, s.name)):
        old, new, pairs = _paired(old, new, by)
        result.changed += [Change(a, b, changes(a, b)) for a, b in pairs]
    result.removed, result.added = old, new
    result.changed.sort(key=lambda change: change.after.index)
    return result


def changes(a: Sample, b: Sample) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two samples differ: field → (value in a, value in b)."""
    return {
        name: (getattr(a, name), getattr(b, name))
        for name in _COMPARED
        if getattr(a, name) != getattr(b, name)
    }


def _values(sample: Sample) -> tuple[Any, ...]:
    return tuple(getattr(sample, name) for name in _COMPARED)


def _without_equal(a: Sequence[Sample], b: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    common = Counter(map(_values, a)) & Counter(map(_values, b))
    return _rest(a, common.copy()), _rest(b, common.copy())


def _rest(samples: Sequence[Sample], common: Counter[tuple[Any, ...]]) -> list[Sample]:
    rest = []
    for sample in samples:
        if common[_values(sample)] > 0:
            common[_values(sample)] -= 1
        else:
            rest.append(sample)
    return rest


def _paired(
    old: list[Sample], new: list[Sample], by: Any
) -> tuple[list[Sample], list[Sample], list[tuple[Sample, Sample]]]:
    waiting: defaultdict[Any, list[Sample]] = defaultdict(list)
    for sample in sorted(new, key=lambda s: s.onset or 0):
        waiting[by(sample)].append(sample)
    pairs, left = [], []
    for sample in sorted(old, key=lambda s: s.onset or 0):
        if there := waiting[by(sample)]:
            pairs.append((sample, there.pop(0)))
        else:
            left.append(sample)
    unpaired = [sample for group in waiting.values() for sample in group]
    return sorted(left, key=lambda s: s.index), sorted(unpaired, key=lambda s: s.index), pairs


def _map_changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    rows = []
    for database in sorted(before.keys() | after.keys()):
        old, new = before.get(database, {}), after.get(database, {})
        for emotion in sorted(old.keys() | new.keys()):
            a, b = old.get(emotion), new.get(emotion)
            if a != b:
                rows.append((database, emotion, a, b))
    return rows


def _recipe(version: CompositeVersion) -> dict[str, Any]:
    preset = {"preset": version.preset} if version.preset else {}
    return {**preset, **version.rules}
