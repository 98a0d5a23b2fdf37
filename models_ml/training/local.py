"""A whole protocol on this machine: for notebooks and benchmarks. The platform deals the same packs to its workers."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from models_ml.config import RunConfig
from models_ml.config.packing import most_members, packs
from models_ml.errors import InputError
from models_ml.training.engine import Data, FoldResult, FoldTask, train_pack
from models_ml.training.folds import FoldSpec

_data: Data | None = None  # of a worker process: sent once, not with every pack


@contextmanager
def workers(data: Data, processes: int | None = None) -> Iterator[ProcessPoolExecutor]:
    """Processes that have the data, one a core unless told otherwise."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes or os.cpu_count(), context, _receive, (data,)) as pool:
        yield pool


def train_folds(pool: ProcessPoolExecutor, plan: Sequence[FoldSpec], config: RunConfig) -> list[FoldResult]:
    """Train and test all folds of a plan, in packs, by the processes of ``workers``; results in the plan's order.

    One process a core beats threads: between two operations of a small network much of the time is Python's.

    Raises InputError as ``train_pack``, also where one fold alone failed.
    """
    dealt = packs(range(len(plan)), config.ensemble, most_members(config, gpu=False))
    tasks = [[FoldTask(config, plan[i]) for i in pack] for pack in dealt]
    results = [result for part in pool.map(_train, [plan] * len(tasks), tasks) for result in part]
    for result in results:
        if isinstance(result, InputError):
            raise result
    return [result for result in results if isinstance(result, FoldResult)]


def _receive(data: Data) -> None:
    global _data  # what a process pool's initialiser is for
    _data = data


def _train(plan: Sequence[FoldSpec], tasks: Sequence[FoldTask]) -> list[FoldResult | InputError]:
    if _data is None:
        raise RuntimeError("the process was started without data")
    return train_pack(_data, plan, tasks)
