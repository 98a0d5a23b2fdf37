"""Networks of installed packages: found, or refused with a sentence that names package and entry point."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from models_ml.config import RunConfig
from models_ml.config.bundles import bundle_key
from models_ml.errors import InputError
from models_ml.nets.base import MissingNet
from models_ml.nets.build import build
from models_ml.nets.plugins import GROUP, find_plugins
from models_ml.nets.registry import NET_CONFIGS
from models_ml.training.model import TrainedModel
from tests.network_packages import EXAMPLE, environment, install, register

USE = """
import sys
from models_ml.config import NET_CONFIGS, PRESETS, RunConfig
from models_ml.nets.registry import PLUGINS
config = RunConfig.model_validate({"net": {"name": "tinynet", "width": 8}})
assert "torch" not in sys.modules
assert "tinynet" in [run.net.name for run in PRESETS["peers"].sweep.runs()]
assert list(NET_CONFIGS)[-3:] == ["tinynet", "hoof_svm", "majority"], list(NET_CONFIGS)
assert PLUGINS.packages == {"tinynet": "mer-tinynet 1.0"}, PLUGINS
from models_ml.checking.cases import configured, data, folds_of, trained
config = configured({"name": "tinynet", "width": 8})
[result] = trained(data(), config, folds_of(config)[:1])
print(result.probabilities.shape, result.model.config.net.title)
"""
BROKEN = """
import sys
from models_ml.nets.registry import NET_CONFIGS, PLUGINS
print(*PLUGINS.problems, sep="\\n")
print(*NET_CONFIGS)
"""
CONFIG = """
from typing import ClassVar, Literal
from pydantic import Field
from models_ml.nets.base import BaseNet
from models_ml.nets.shapes import Layer

class Toy(BaseNet):
    title: ClassVar[str] = "Toy"
    name: Literal["toy"] = Field("toy")
    {line}

    def layers_for(self, size, classes=3):
        return {layers}
"""


def run(code: str, target: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(target), check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_is_found_without_torch_and_trains_a_fold(tmp_path: Path) -> None:
    install(EXAMPLE, tmp_path)
    assert run(USE, tmp_path).split() == ["(3,", "3)", "TinyNet"]


def test_the_platform_starts_without_broken_packages_and_names_them(tmp_path: Path) -> None:
    register(tmp_path, "lab-nets", "0.3", {"gone": "lab_nets.config:Gone", "heavy": "lab_heavy.config:Heavy"})
    (tmp_path / "lab_heavy").mkdir()
    (tmp_path / "lab_heavy" / "config.py").write_text("import torch\n\nHeavy = torch.nn.Module\n")
    gone, heavy, names = run(BROKEN, tmp_path).splitlines()
    assert gone.startswith("A network of the package lab-nets 0.3 is not available")
    assert "(entry point “gone = lab_nets.config:Gone”)" in gone
    assert "ModuleNotFoundError: No module named 'lab_nets'" in gone
    assert "its configuration imports PyTorch" in heavy
    assert names.split() == list(NET_CONFIGS)


def write_toy(
    folder: Path, line: str = "", layers: str = '[Layer("l", 3, 1, 3, 3)]', network: bool = True
) -> None:
    package = folder / "toy_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "config.py").write_text(CONFIG.format(line=line or "pass", layers=layers))
    if network:
        (package / "network.py").write_text("raise RuntimeError('only workers import this')\n")


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose packages can be imported during the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("toy_package")]:
        del sys.modules[name]


def reason(name: str = "toy", value: str = "toy_package.config:Toy") -> str:
    """Return why the network of this entry point is not available."""
    plugins = find_plugins(NET_CONFIGS, [EntryPoint(name, value, GROUP)])
    assert not plugins.configs
    return plugins.problems[0].reason


def test_a_right_package_is_accepted(toys: Path) -> None:
    write_toy(toys)
    plugins = find_plugins(NET_CONFIGS, [EntryPoint("toy", "toy_package.config:Toy", GROUP)])
    assert list(plugins.configs) == ["toy"]
    assert not plugins.problems


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"line": "x: int = Field(ge=1)"}, "the setting “x” has no default"),
        ({"line": "x: dict = Field({})"}, "the setting “x” has a type without a form field"),
        ({"line": "x: tuple[str, ...] = ()"}, "the setting “x” has a type without a form field"),
        ({"line": "title: ClassVar[str] = ' '"}, "the class Toy has no “title”"),
        ({"line": "name: Literal['other'] = Field('other')"}, "must be Literal['toy'] with the default 'toy'"),
        ({"layers": "1 / 0"}, "its default settings cannot be described (ZeroDivisionError: division by zero)"),
        ({"layers": "[]"}, "“layers_for” must return a list of"),
        ({"layers": "[1]"}, "“layers_for” must return a list of"),
        ({"network": False}, "the module toy_package.network, which should have the class Network, is not found"),
        ({"line": "module: ClassVar[str] = 'toy_package.elsewhere'"}, "the module toy_package.elsewhere"),
        ({"line": "raise SystemExit(3)"}, "it cannot be imported (SystemExit: 3)"),
        ({"line": "(("}, "it cannot be imported (SyntaxError"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_package_is_said(content: dict, words: str, toys: Path) -> None:
    write_toy(toys, **content)
    assert words in reason()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("toy", "toy_package.config:Missing", "it cannot be imported (AttributeError"),
        (
            "toy",
            "toy_package.config:Layer",
            "must name a class that derives from models_ml.nets.base.BaseNet",
        ),
        ("toy", "toy_package.config", "must name a class that derives from models_ml.nets.base.BaseNet"),
        ("Toy Net", "toy_package.config:Toy", "small letters, digits and underscores only"),
        ("vgg_m", "toy_package.config:Toy", "The platform has a network of the name “vgg_m”"),
    ],
)
def test_what_is_wrong_with_an_entry_point_is_said(name: str, value: str, words: str, toys: Path) -> None:
    write_toy(toys)
    assert words in reason(name, value)


def test_of_two_packages_with_one_name_the_first_is_used(toys: Path) -> None:
    write_toy(toys)
    points = [EntryPoint("toy", f"toy_package.config:{name}", GROUP) for name in ("Toy", "Zoo")]
    plugins = find_plugins(NET_CONFIGS, points)
    assert list(plugins.configs) == ["toy"]
    assert "registers the name “toy” too" in plugins.problems[0].reason


def test_a_stored_configuration_of_a_missing_network_can_be_read() -> None:
    config = RunConfig.from_stored({"net": {"name": "gone", "width": 8}, "seed": 3, "features": {"size": 8}})
    assert (config.net.title, config.seed, config.features.size) == ("gone (not installed)", 3, 8)
    assert config.model_dump(mode="json")["net"] == {"name": "gone", "width": 8}
    assert RunConfig.from_stored(config.model_dump(mode="json")) == config
    assert len(config.content_hash()) == len(bundle_key(config)) == 64


def test_a_missing_network_cannot_be_built_or_launched() -> None:
    words = "The package that defines the network “gone” is not installed"
    with pytest.raises(InputError, match=words):
        build(MissingNet(name="gone"))
    with pytest.raises(ValueError, match="This network does not exist"):
        RunConfig.model_validate({"net": {"name": "gone"}})


def test_a_stored_model_of_a_missing_network_says_what_to_install() -> None:
    config = RunConfig.from_stored({"net": {"name": "gone"}})
    network = build(RunConfig.model_validate({"net": {"name": "sssnet"}}).net)
    with pytest.raises(InputError, match="The package that defines the network “gone” is not installed"):
        TrainedModel.load_bytes(TrainedModel(config, network).save_bytes())
