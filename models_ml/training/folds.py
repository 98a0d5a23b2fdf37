"""Who is trained on and who is tested. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from models_ml.errors import InputError


@dataclass(frozen=True)
class FoldSpec:
    """One split: positions of the training and of the test samples, and a name unique within the protocol."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]


def loso(subjects: Sequence[str]) -> list[FoldSpec]:
    """Leave one subject out: a fold a subject, named after it, in the order of the names.

    Parameters
    ----------
    subjects : the subject of each sample; two people of different databases must have different names

    Raises
    ------
    InputError : with fewer than two subjects

    >>> for fold in loso(["s2", "s1", "s2", "s3"]):
    ...     print(fold)
    FoldSpec(name='s1', train=(0, 2, 3), test=(1,))
    FoldSpec(name='s2', train=(1, 3), test=(0, 2))
    FoldSpec(name='s3', train=(0, 1, 2), test=(3,))
    """
    names = sorted(set(subjects))
    if len(names) < 2:
        raise InputError(
            f"leave-one-subject-out needs at least two subjects, and there are {len(names)}: "
            "add clips of other people"
        )
    return [
        FoldSpec(
            name,
            train=tuple(i for i, subject in enumerate(subjects) if subject != name),
            test=tuple(i for i, subject in enumerate(subjects) if subject == name),
        )
        for name in names
    ]
