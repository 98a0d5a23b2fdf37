"""The folds of each protocol: who is trained on and who is tested. Imports no torch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models_ml.config import RunConfig
from models_ml.errors import InputError


@dataclass(frozen=True)
class FoldSpec:
    """One held-out part.

    Attributes
    ----------
    name
        Unique within the protocol.
    train
        Positions of the training samples.
    test
        Positions of the held-out samples.
    validation
        Positions of the samples of inner validation subjects, who are not trained on.
    """

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]
    validation: tuple[int, ...] = ()


def plan(config: RunConfig, subjects: Sequence[str], databases: Sequence[str]) -> list[FoldSpec]:
    """Return the folds of a configuration's protocol.

    Parameters
    ----------
    config
        Names the protocol.
    subjects
        Subject of each sample. People of different databases must have different names.
    databases
        Database of each sample.

    Raises
    ------
    InputError
        The samples do not allow the protocol; the message says what is missing.
    """
    if config.protocol == "loso":
        return loso(subjects)
    if config.protocol == "lodo":
        return lodo(databases)
    if config.protocol == "kfold":
        return kfold(subjects, config.folds, config.seed)
    return cross(databases, config.train_on, config.test_on)


def loso(subjects: Sequence[str]) -> list[FoldSpec]:
    """Leave one subject out: one fold per subject, named after the subject, in alphabetical order.

    Raises InputError with fewer than two subjects.

    >>> for fold in loso(["s2", "s1", "s2", "s3"]):
    ...     print(fold.name, fold.train, fold.test)
    s1 (0, 2, 3) (1,)
    s2 (1, 3) (0, 2)
    s3 (0, 1, 2) (3,)
    """
    names = sorted(set(subjects))
    if len(names) < 2:
        raise InputError(
            f"Leave-one-subject-out needs at least two subjects; there {_are(len(names))}. Add clips of other people."
        )
    return [_held_out(name, subjects, {name}) for name in names]


def lodo(databases: Sequence[str]) -> list[FoldSpec]:
    """Leave one database out: one fold per database. Raises InputError with fewer than two databases.

    >>> [(fold.name, fold.test) for fold in lodo(["SMIC", "SAMM", "SMIC"])]
    [('SAMM', (1,)), ('SMIC', (0, 2))]
    """
    names = sorted(set(databases))
    if len(names) < 2:
        raise InputError(
            f"Leave-one-database-out needs at least two databases; there {_are(len(names))}. "
            "Choose a version with clips of another database, or another protocol."
        )
    return [_held_out(name, databases, {name}) for name in names]


def kfold(subjects: Sequence[str], k: int, seed: int) -> list[FoldSpec]:
    """Distribute whole subjects over k folds, at random and of similar size.

    Subjects with the most samples come first; each goes to the smallest fold so far. Raises InputError with fewer than k
    subjects.

    >>> [fold.test for fold in kfold(["a", "a", "b", "c"], 2, seed=0)]
    [(0, 1), (2, 3)]
    """
    names = sorted(set(subjects))
    if len(names) < k:
        raise InputError(
            f"{k} folds need at least {k} subjects; there {_are(len(names))}. Choose fewer folds."
        )
    np.random.default_rng([seed, k]).shuffle(names)
    counts = Counter(subjects)
    parts: list[set[str]] = [set() for _ in range(k)]
    for name in sorted(names, key=lambda name: -counts[name]):
        min(parts, key=lambda part: sum(counts[other] for other in part)).add(name)
    return [_held_out(f"part {number} of {k}", subjects, part) for number, part in enumerate(parts, start=1)]


def cross(databases: Sequence[str], train_on: Sequence[str], test_on: Sequence[str]) -> list[FoldSpec]:
    """Train on some databases and test on others, in one fold. Raises InputError if one of them has no sample.

    >>> cross(["SMIC", "SAMM", "SMIC"], ["SMIC"], ["SAMM"])
    [FoldSpec(name='SMIC to SAMM', train=(0, 2), test=(1,), validation=())]
    """
    for name in [*train_on, *test_on]:
        if name not in databases:
            known = ", ".join(sorted(set(databases)))
            raise InputError(
                f"This version has no samples of the database “{name}”. It has samples of: {known}."
            )
    train = tuple(i for i, database in enumerate(databases) if database in train_on)
    test = tuple(i for i, database in enumerate(databases) if database in test_on)
    return [FoldSpec(f"{', '.join(train_on)} to {', '.join(test_on)}", train, test)]


def with_validation(fold: FoldSpec, subjects: Sequence[str], share: float, seed: int) -> FoldSpec:
    """Return the fold with some of its training subjects moved to its validation part.

    The choice depends on the seed and the fold's name. Raises InputError with fewer than two training subjects.

    >>> fold = with_validation(loso(["a", "b", "c", "d"])[0], ["a", "b", "c", "d"], share=0.3, seed=1)
    >>> len(fold.train), len(fold.validation), set(fold.train) & set(fold.validation)
    (2, 1, set())
    """
    names = sorted({subjects[i] for i in fold.train})
    if len(names) < 2:
        raise InputError(
            f"Choosing the epoch by validation needs two training subjects; fold {fold.name} has {len(names)}. "
            "Choose the last epoch instead."
        )
    entropy = [seed, *fold.name.encode()]
    np.random.default_rng(entropy).shuffle(names)
    chosen = set(names[: min(max(round(share * len(names)), 1), len(names) - 1)])
    return replace(
        fold,
        train=tuple(i for i in fold.train if subjects[i] not in chosen),
        validation=tuple(i for i in fold.train if subjects[i] in chosen),
    )


def _held_out(name: str, groups: Sequence[str], held: set[str]) -> FoldSpec:
    return FoldSpec(
        name,
        train=tuple(i for i, group in enumerate(groups) if group not in held),
        test=tuple(i for i, group in enumerate(groups) if group in held),
    )


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"
