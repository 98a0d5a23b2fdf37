"""Networks are found in their folders."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from models_ml import nets
from models_ml.config import NET_CONFIGS, RunConfig
from models_ml.nets.registry import DEFAULT_NET

SSSNET = Path(nets.__path__[0]) / "sssnet"
USE = """
import sys, models_ml.nets
models_ml.nets.__path__.append(sys.argv[1])
from models_ml.config import NET_CONFIGS, PRESETS, RunConfig
config = RunConfig.model_validate({"net": {"name": "toy"}})
assert "torch" not in sys.modules
assert "toy" in [run.net.name for run in PRESETS["peers"].sweep.runs()]
from models_ml.nets.build import build
print(*NET_CONFIGS, type(build(config.net)).__module__)
"""


def test_a_network_needs_nothing_but_its_folder(tmp_path: Path) -> None:
    toy = tmp_path / "toy"
    shutil.copytree(SSSNET, toy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("config.py", "network.py"):
        text = (toy / name).read_text().replace("sssnet", "toy").replace("position: ClassVar[int] = 5", "")
        (toy / name).write_text(text)
    command = [sys.executable, "-c", USE, str(tmp_path)]
    *names, module = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "toy" in names[:-2]
    assert names[-2:] == ["hoof_svm", "majority"], "the baselines come last"
    assert module == "models_ml.nets.toy.network"


def test_no_network_takes_its_configuration_from_another_s_folder() -> None:
    for file in Path(nets.__path__[0]).glob("*/network.py"):
        imported = set(re.findall(r"from models_ml\.nets\.(\w+)\.config import", file.read_text()))
        assert imported <= {file.parent.name}, file


def test_two_networks_cannot_have_one_name(tmp_path: Path) -> None:
    shutil.copytree(SSSNET, tmp_path / "toy")
    command = [sys.executable, "-c", USE, str(tmp_path)]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "both name a network 'sssnet'" in failed.stderr


def test_the_default_network_comes_first() -> None:
    assert next(iter(NET_CONFIGS)) == RunConfig().net.name == DEFAULT_NET
