"""Where the client finds address and token, and that it imports nothing of the platform."""

import ast
import stat
from pathlib import Path

import pytest

from mer_client import NotConfigured, __version__
from mer_client.settings import Settings, config_file, find_settings, write_login
from mer_platform import __version__ as platform_version

SOURCE = Path(__file__).resolve().parents[2] / "clients" / "python" / "src" / "mer_client"


def test_arguments_come_before_the_environment_and_that_before_the_login(monkeypatch):
    write_login(Settings("http://stored", "mer_stored"))
    assert find_settings() == Settings("http://stored", "mer_stored")
    monkeypatch.setenv("MER_URL", "http://environment/")
    monkeypatch.setenv("MER_TOKEN", "mer_environment")
    assert find_settings() == Settings("http://environment", "mer_environment")
    assert find_settings("https://given", "mer_given") == Settings("https://given", "mer_given")


def test_a_stored_token_is_for_its_server_only(monkeypatch):
    write_login(Settings("http://stored", "mer_stored"))
    with pytest.raises(NotConfigured, match="No token for http://elsewhere"):
        find_settings("http://elsewhere")


def test_only_this_user_can_read_the_token():
    path = write_login(Settings("http://stored", "mer_stored"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_damaged_file_is_named():
    config_file().parent.mkdir(parents=True)
    config_file().write_text("{")
    with pytest.raises(NotConfigured, match=r"Run `mer login` again"):
        find_settings()


def test_an_address_without_scheme_is_refused():
    with pytest.raises(NotConfigured, match="must start with http"):
        find_settings("lab.example", "mer_x")


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.name)
def test_the_client_imports_nothing_of_the_platform(path):
    ours = {"mer_platform", "models_ml", "workers", "tests", "django"}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not ours & {name.split(".")[0] for name in names}


def test_it_has_the_version_of_the_platform():
    assert __version__ == platform_version
    assert f'version = "{__version__}"' in (SOURCE.parents[1] / "pyproject.toml").read_text("utf-8")
