"""Train all folds of a protocol on this machine, for notebooks and benchmarks."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from models_ml.config import RunConfig
from models_ml.config.bundles import bundle_sizes, max_members
from models_ml.errors import InputError
from models_ml.training.engine import FoldResult, FoldTask, TrainingData, train_bundle
from models_ml.training.folds import FoldSpec

_data: TrainingData | None = None  # in a worker process: received once, not with every bundle


class TrainingProcesses(ProcessPoolExecutor):
    """Processes that hold the data, one per core by default.

    Processes are faster than threads, because small networks spend much of their time in Python.
    """

    def __init__(self, data: TrainingData, processes: int | None = None) -> None:
        self.processes = processes or os.cpu_count() or 1
        super().__init__(self.processes, multiprocessing.get_context("spawn"), _receive, (data,))


def train_folds(pool: TrainingProcesses, plan: Sequence[FoldSpec], config: RunConfig) -> list[FoldResult]:
    """Train and test all folds of a plan. Return the results in the plan's order.

    The folds are divided into bundles, with the same number of bundles for each process.

    Raises
    ------
    InputError
        As ``train_bundle``, and if a fold failed.
    """
    bundles = len(bundle_sizes(len(plan), config.ensemble, max_members(config, gpu=False)))
    even = -(-bundles // pool.processes) * pool.processes
    parts = [part for part in np.array_split(np.arange(len(plan)), even) if len(part)]
    tasks = [[FoldTask(config, plan[i]) for i in part] for part in parts]
    results = [result for part in pool.map(_train, [plan] * len(tasks), tasks) for result in part]
    for result in results:
        if isinstance(result, InputError):
            raise result
    return [result for result in results if isinstance(result, FoldResult)]


def _receive(data: TrainingData) -> None:
    global _data  # what a process pool's initialiser is for
    _data = data


def _train(plan: Sequence[FoldSpec], tasks: Sequence[FoldTask]) -> list[FoldResult | InputError]:
    if _data is None:
        raise RuntimeError("The process was started without data.")
    return train_bundle(_data, plan, tasks)
