"""How large a filled project becomes, and how its rows are stored."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import models

from mer_platform.projects.models import Project

CHUNK = 5000  # rows that are made before they are stored
PER_STATEMENT = 1000


@dataclass(frozen=True)
class Sizes:
    """Numbers of rows. Annotations, runs and predictions are approximate."""

    clips: int
    annotations: int
    runs: int
    predictions: int

    @property
    def coders(self) -> int:
        return min(20, max(3, self.clips // 2000))

    @property
    def subjects(self) -> int:
        return max(10, self.clips // 100)

    @property
    def samples(self) -> int:
        """Samples of a version that runs are trained on."""
        return max(6, self.predictions // max(self.runs, 1))


@dataclass
class Filling:
    """The project that is filled, its people, and the source of random numbers."""

    project: Project
    owner: User
    coders: Sequence[User]
    sizes: Sizes
    random: np.random.Generator


def store(model: type[models.Model], rows: Iterable[Any]) -> list[Any]:
    """Store rows in bulk and return them. Dates that the database sets are those of now."""
    found: list[Any] = []
    for some in _chunks(rows):
        found += model._default_manager.bulk_create(some, batch_size=PER_STATEMENT)
    return found


def count_stored(model: type[models.Model], rows: Iterable[Any]) -> int:
    """Store rows in bulk, keeping none in memory; return how many they are."""
    count = 0
    for some in _chunks(rows):
        count += len(model._default_manager.bulk_create(some, batch_size=PER_STATEMENT))
    return count


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(rows)
    while some := list(islice(left, CHUNK)):
        yield some
