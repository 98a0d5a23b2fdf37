"""Networks of installed packages. Imports no torch.

A package registers a network as an entry point of the group ``mer_platform.networks``: its name is the network's name, its
value the configuration class. A package that cannot be used never stops the platform: it becomes a ``PluginProblem``.
"""

import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, get_args, get_origin

from models_ml.errors import InputError
from models_ml.nets.base import BaseNet
from models_ml.nets.shapes import Layer

GROUP = "mer_platform.networks"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_USUAL_SIZE = 28  # of the input, in pixels


@dataclass(frozen=True)
class PluginProblem:
    """An entry point whose network is not available, and why."""

    package: str
    entry_point: str
    reason: str

    def __str__(self) -> str:
        where = f"entry point “{self.entry_point}”"
        return f"A network of the package {self.package} is not available ({where}): {self.reason}"


@dataclass(frozen=True)
class Plugins:
    """The networks of packages by name, the package of each with its version, and what could not be used."""

    configs: Mapping[str, type[BaseNet]]
    packages: Mapping[str, str]
    problems: Sequence[PluginProblem]


def find_plugins(known: Mapping[str, type[BaseNet]], found: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load the networks of all installed packages. ``known`` has the networks of the platform, whose names are taken."""
    configs: dict[str, type[BaseNet]] = {}
    packages: dict[str, str] = {}
    problems = []
    points = entry_points(group=GROUP) if found is None else found
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        package = _package(point)
        try:
            if point.name in known:
                raise InputError(
                    f"The platform has a network of the name “{point.name}”. Choose another name."
                )
            if point.name in configs:
                raise InputError(
                    f"{packages[point.name]} registers the name “{point.name}” too. Remove one of them."
                )
            configs[point.name] = _loaded(point)
            packages[point.name] = package
        except InputError as error:
            problems.append(PluginProblem(package, f"{point.name} = {point.value}", str(error)))
    return Plugins(configs, packages, problems)


def network_module(config: type[BaseNet]) -> str:
    """Return the name of the module with the class ``Network`` of a configuration class."""
    return config.module or f"{config.__module__.rpartition('.')[0]}.network"


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "without a name"


def _loaded(point: EntryPoint) -> type[BaseNet]:
    """Return the configuration class of an entry point. Raises InputError with what is wrong with it."""
    had_torch = "torch" in sys.modules
    try:
        config = point.load()
    except (Exception, SystemExit) as error:  # a module can raise anything
        raise InputError(f"it cannot be imported ({_described(error)}).") from error
    if not had_torch and "torch" in sys.modules:
        raise InputError(
            "its configuration imports PyTorch, which web processes do not load. Import it in the network’s module only."
        )
    if not (isinstance(config, type) and issubclass(config, BaseNet)):
        raise InputError("it must name a class that derives from models_ml.nets.base.BaseNet.")
    _check_class(config, point.name)
    try:
        layers = list(config().layers_for(_USUAL_SIZE))
        title = config().describe()
    except (Exception, SystemExit) as error:
        raise InputError(f"its default settings cannot be described ({_described(error)}).") from error
    if not layers or not all(isinstance(layer, Layer) for layer in layers) or not isinstance(title, str):
        raise InputError(
            "“layers_for” must return a list of models_ml.nets.shapes.Layer, and “describe” a text."
        )
    module = network_module(config)
    try:
        spec = importlib.util.find_spec(module)
    except (Exception, SystemExit):
        spec = None
    if spec is None:
        raise InputError(f"the module {module}, which should have the class Network, is not found.")
    return config


def _check_class(config: type[BaseNet], name: str) -> None:
    if not (isinstance(getattr(config, "title", None), str) and config.title.strip()):
        raise InputError(f"the class {config.__name__} has no “title”.")
    if not _NAME.fullmatch(name):
        raise InputError(
            "its name must have small letters, digits and underscores only, and start with a letter."
        )
    field = config.model_fields["name"]
    if field.default != name or get_args(field.annotation) != (name,):
        raise InputError(
            f"the field “name” of {config.__name__} must be Literal[{name!r}] with the default {name!r}, as the entry point "
            "is called."
        )
    for setting, info in config.model_fields.items():
        if not _is_for_a_form(info.annotation):
            raise InputError(
                f"the setting “{setting}” has a type without a form field. Use int, float, bool, Literal or a tuple of int."
            )
        if info.is_required():
            raise InputError(f"the setting “{setting}” has no default.")


def _is_for_a_form(kind: Any) -> bool:
    if get_origin(kind) in (tuple, list):
        return set(get_args(kind)) <= {int, ...}
    return kind in (int, float, bool) or get_origin(kind) is Literal


def _described(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
