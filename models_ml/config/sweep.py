"""The settings that an experiment varies: a base configuration, the axes of a grid, and seeds."""

import copy
import itertools
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from models_ml.config.run import RunConfig, field_path
from models_ml.config_base import Config, located
from models_ml.wording import in_words

MAX_RUNS = 2000  # checked whenever a form changes, in about 0.15 s
MAX_SHOWN_ERRORS = 20

Choice = dict[str, int]  # for each varied setting, the position of the chosen value
ErrorLocation = tuple[str | int, ...]


class SweepConfig(Config):
    """All combinations of the grid's values, each with every seed.

    >>> sweep = SweepConfig(grid={"net.placement": [1, 2], "train.learning_rate": [0.001, 0.01]}, seeds=[0, 1])
    >>> len(sweep.runs())
    8
    >>> SweepConfig(grid={"net.kernels": [[2, 3], [2, 9]]})
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for SweepConfig
    grid.`net.kernels`.1
      Kernel 9 is larger than the 6×6 map after layer 2 (input 28×28). ...
    """

    base: dict[str, Any] = Field(
        default_factory=dict,
        title="Base",
        description="What all runs have in common: a run's configuration or a part of it.",
    )
    grid: dict[str, tuple[Any, ...]] = Field(
        default_factory=dict,
        title="Grid",
        description="Values to try for each setting, for example net.placement or train.learning_rate; net takes "
        "whole networks.",
    )
    seeds: tuple[Annotated[int, Field(ge=0, le=2**31 - 1)], ...] = Field(
        (),
        title="Seeds",
        description="Each combination runs once with each of these seeds; none: the seed of the base.",
    )

    @field_validator("grid")
    @classmethod
    def _check_grid(cls, grid: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        wrong = [_detail((path,), "Give at least one value to try.") for path in grid if not grid[path]]
        if "seed" in grid:
            wrong.append(
                _detail(("seed",), "Give seeds in “seeds”: each combination runs with each of them.")
            )
        if wrong:
            raise ValidationError.from_exception_data("configuration", wrong)
        return grid

    def model_post_init(self, _context: Any) -> None:
        """Check every run, so that ``runs`` cannot fail later. Raises ValidationError."""
        self.runs()

    def runs(self) -> list[RunConfig]:
        """Return the runs, with the seeds of a combination next to each other. Equal runs appear once.

        Raises
        ------
        ValidationError
            A combination is not a valid run. The error is located at the value concerned, and says in which combination
            it is wrong, and why.
        """
        count = len(self.seeds or (0,))
        for values in self.grid.values():
            count *= len(values)
        if count > MAX_RUNS:
            raise located(
                ("grid",),
                None,
                f"These are {count} runs; an experiment has at most {MAX_RUNS}. Vary fewer settings, or try fewer values.",
            )
        found: dict[str, RunConfig] = {}
        errors: dict[tuple[ErrorLocation, str], str] = {}  # with the first combination that has each
        for choice, data in self._combinations():
            try:
                config = RunConfig.model_validate(data)
            except ValidationError as error:
                for location, message, where in self._located(error, choice):
                    errors.setdefault((location, message), where)
                continue
            for seed in self.seeds or (config.seed,):
                seeded = config.model_copy(update={"seed": seed})
                found.setdefault(seeded.content_hash(), seeded)
        if errors:
            shown = [_detail(loc, message + where) for (loc, message), where in errors.items()]
            raise ValidationError.from_exception_data("configuration", shown[:MAX_SHOWN_ERRORS])
        return list(found.values())

    def varied(self, config: RunConfig) -> dict[str, Any]:
        """Return a run's values of the varied settings, and its seed if there are several."""
        data = config.model_dump(mode="json")
        values = {path: _get(data, path) for path in self.grid}
        return {**values, "seed": config.seed} if len(self.seeds) > 1 else values

    def narrowed(self, hashes: Collection[str]) -> "SweepConfig":
        """Return the sweep without the values and seeds that none of the runs with these content hashes has.

        All combinations of what is left may be more runs than these. Without any of the runs, the sweep stays as it is.

        >>> sweep = SweepConfig(grid={"net.placement": [1, 2, 3]}, seeds=[0, 1])
        >>> kept = {run.content_hash() for run in sweep.runs() if run.net.placement != 2 and run.seed == 1}
        >>> left = sweep.narrowed(kept)
        >>> left.grid, left.seeds
        ({'net.placement': (1, 3)}, (1,))
        """
        used: dict[str, set[int]] = {path: set() for path in self.grid}
        seeds = set()
        for choice, data in self._combinations():
            config = RunConfig.model_validate(data)
            for seed in self.seeds or (config.seed,):
                if config.model_copy(update={"seed": seed}).content_hash() in hashes:
                    seeds.add(seed)
                    for path, position in choice.items():
                        used[path].add(position)
        if not seeds:
            return self
        grid = {
            path: tuple(value for position, value in enumerate(values) if position in used[path])
            for path, values in self.grid.items()
        }
        return SweepConfig(
            base=self.base, grid=grid, seeds=tuple(seed for seed in self.seeds if seed in seeds)
        )

    def _combinations(self) -> Iterator[tuple[Choice, dict[str, Any]]]:
        # A setting within another comes after it: net, then net.width.
        paths = sorted(self.grid, key=lambda path: path.count("."))
        for positions in itertools.product(*(range(len(self.grid[path])) for path in self.grid)):
            choice = dict(zip(self.grid, positions, strict=True))
            data = copy.deepcopy(self.base)
            for path in paths:
                _set(data, path, copy.deepcopy(self.grid[path][choice[path]]))
            yield choice, data

    def _located(self, error: ValidationError, choice: Choice) -> Iterator[tuple[ErrorLocation, str, str]]:
        """Yield a combination's errors: the value of the grid or the setting of the base, the message, the combination."""
        for one in error.errors():
            path = field_path(one["loc"])
            message = in_words(one)
            inside = [p for p in self.grid if f"{path}.".startswith(f"{p}.")]
            own = (
                max(inside, key=len)
                if inside
                else next((p for p in self.grid if p.startswith(f"{path}.")), "")
            )
            values = {p: self.grid[p][n] for p, n in choice.items() if p != own}
            others = [f"{p} = {json.dumps(value)}" for p, value in values.items() if value is not None]
            where = f" This happens with {', '.join(others)}." if others else ""
            if own:
                rest = path[len(own) + 1 :] if own == "net" else ""
                yield ("grid", own, choice[own], *([rest] if rest else [])), message, where
            else:
                yield ("base", path), message, where


def _detail(loc: ErrorLocation, message: str) -> InitErrorDetails:
    kind = PydanticCustomError("configuration", "{message}", {"message": message})
    return InitErrorDetails(type=kind, loc=loc, input=None)


def _set(data: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        inner = data.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # validation of the run reports what is wrong there
        data = inner
    data[last] = value


def _get(data: Mapping[str, Any], path: str) -> Any:
    found: Any = data
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
