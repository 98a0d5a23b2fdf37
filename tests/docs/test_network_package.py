"""The package in docs/network-package is the one that the page shows, passes its checks and can be used by the platform."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, pages
from tests.network_packages import EXAMPLE, environment, install

FILES = ("pyproject.toml", "mer_tinynet/config.py", "mer_tinynet/network.py")


@pytest.mark.parametrize("name", FILES)
def test_the_page_shows_the_file(name: str) -> None:
    assert (EXAMPLE / name).read_text("utf-8").rstrip() in pages()["docs/network-packages.md"]


def manage(target: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py in an environment with the example installed into ``target``."""
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment(target), check=False)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site-packages")
    install(EXAMPLE, target)
    return target


def test_the_example_passes_all_checks(installed: Path) -> None:
    done = manage(installed, "check_network", "tinynet")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TinyNet (mer-tinynet 1.0)" in done.stdout
    assert "All 18 checks passed." in done.stdout


def test_check_network_finds_a_network_whose_members_see_each_other(installed: Path, tmp_path: Path) -> None:
    install(EXAMPLE, tmp_path)
    network = tmp_path / "mer_tinynet" / "network.py"
    honest = "return self.classify(self.dropout(flatten_members(x, self.members)))"
    text = network.read_text()
    assert honest in text
    network.write_text(
        text.replace(honest, f"x = {honest[7:]}\n        return x + 0.1 * x.mean(dim=1, keepdim=True)")
    )
    done = manage(tmp_path, "check_network", "tinynet")
    assert done.returncode == 1
    assert "FAILED  independence of members" in done.stdout
    assert "Member 0 of 3 gives another output than the same network alone." in done.stdout
    assert "The network “tinynet” has failed checks." in done.stderr


def test_check_network_lists_networks_and_knows_no_others(installed: Path) -> None:
    done = manage(installed, "check_network")
    assert "tinynet: TinyNet, mer-tinynet 1.0" in done.stdout
    assert "sssnet: SSSNet, part of the platform" in done.stdout
    unknown = manage(installed, "check_network", "nonesuch")
    assert unknown.returncode == 2
    assert "There is no network “nonesuch”" in unknown.stderr
