"""Warnings about a composite: one person under two names, one recording twice, units that do not mix."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from mer_platform.composites.duplicates import grouped, near_duplicates, same_pictures
from mer_platform.composites.models import Sample
from mer_platform.composites.names import clip_key, spelled_key, subject_key
from mer_platform.composites.rules import Rules

SHOWN = 12


@dataclass(frozen=True)
class Caveat:
    """One warning. ``code`` is a stable word; ``groups`` are clips or flow pictures that belong together."""

    code: str
    message: str
    groups: tuple[tuple[Any, ...], ...] = ()

    @property
    def shown(self) -> tuple[tuple[Any, ...], ...]:
        return self.groups[:SHOWN]

    @property
    def more(self) -> int:
        return len(self.groups) - len(self.shown)

    def to_json(self) -> dict[str, Any]:
        names = [[str(item) for item in group] for group in self.groups]
        return {"code": self.code, "message": self.message, "samples": names}


def caveats(samples: Sequence[Sample], rules: Rules, scopes: Sequence[tuple[str, ...]] = ()) -> list[Caveat]:
    """Return the warnings about a draft or version. ``scopes``: see ``Rules.unknown_scopes``."""
    found = [*_two_names(samples), *_two_databases(samples), *_copies(samples), *_material(samples)]
    if scopes and (idle := rules.unknown_scopes(scopes)):
        found.append(
            Caveat("idle-rule", f"A rule names something that is not in these databases: {_listed(idle)}.")
        )
    return found


def _two_names(samples: Sequence[Sample]) -> Iterator[Caveat]:
    spellings: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for sample in samples:
        spellings[sample.database, subject_key(sample.subject)].add(sample.subject)
    for (database, _), names in sorted(spellings.items()):
        if len(names) > 1:
            yield Caveat(
                "subject-two-names",
                f"{database}: {_listed(sorted(names))} are probably one subject under {len(names)} names. They count as "
                "different people, so leave-one-subject-out would train on the face that it tests.",
            )


def _two_databases(samples: Sequence[Sample]) -> Iterator[Caveat]:
    by_database: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for sample in samples:
        by_database[sample.database][spelled_key(sample.subject)] = sample.subject
    for (one, names), (other, others) in combinations(sorted(by_database.items()), 2):
        if shared := sorted(names[key] for key in names.keys() & others.keys()):
            yield Caveat(
                "subject-two-databases",
                f"{_listed(shared)} {'is a subject' if len(shared) == 1 else 'are subjects'} of both {one} and {other}. "
                "They count as different people. If they are the same people, exclude one of the databases.",
            )


def _copies(samples: Sequence[Sample]) -> Iterator[Caveat]:
    clips = {s.clip_id: s.clip for s in samples if s.clip is not None}
    if groups := grouped(near_duplicates(clips.values())):
        across = sum(len({clip.subject_id for clip in group}) > 1 for group in groups)
        subjects = f", {across:,} of them under different subjects" if across else ""
        yield Caveat(
            "near-duplicates",
            f"{sum(map(len, groups)):,} clips may be copies of {_count(len(groups), 'recording')}{subjects}, because they "
            "move and look alike.",
            tuple(map(tuple, groups)),
        )
    if same := same_pictures(s.picture for s in samples if s.picture is not None):
        yield Caveat(
            "same-pictures",
            f"{_count(len(same), 'flow picture')} {'occurs' if len(same) == 1 else 'occur'} more than once, byte for byte.",
            tuple(tuple(group) for group in same),
        )


def _material(samples: Sequence[Sample]) -> Iterator[Caveat]:
    clips = {_name(s): s.clip for s in samples if s.clip is not None}
    pictures = {_name(s): s.picture for s in samples if s.picture is not None}
    taken = sum(sample.clip_id is not None for sample in samples)
    if clips and pictures:
        yield Caveat(
            "mixed-material",
            f"{_count(taken, 'clip')} and {_count(len(samples) - taken, 'flow picture')} are mixed. The scale of flow "
            "pictures in pixels is not known, so a network sees two units of motion. A rule can include only clips or only "
            "flow pictures.",
        )
    if both := sorted(clips.keys() & pictures.keys()):
        yield Caveat(
            "clip-and-picture",
            f"{_count(len(both), 'expression')} {'is' if len(both) == 1 else 'are'} included as clip and as flow picture.",
            tuple((clips[name], pictures[name]) for name in both),
        )


def _name(sample: Sample) -> tuple[str, str, str]:
    return sample.database, subject_key(sample.subject), clip_key(sample.subject, sample.name)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    """Return the names in quotes, as part of a sentence.

    >>> _listed(["a", "b", "c"])
    '“a”, “b” and “c”'
    """
    quoted = [f"“{name}”" for name in names]
    if len(quoted) > SHOWN:
        quoted = [*quoted[: SHOWN - 1], f"{len(quoted) - SHOWN + 1} more"]
    return " and ".join(part for part in (", ".join(quoted[:-1]), quoted[-1]) if part)
