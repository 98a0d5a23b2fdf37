"""``mer`` on the command line: results, messages and exit codes."""

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mer_client.cli.app import app
from mer_client.operations import uploads
from mer_client.settings import config_file
from mer_platform.clips.models import Clip

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mer_command(live_server, token, project, monkeypatch):
    """Run ``mer`` in this process."""
    monkeypatch.setenv("MER_URL", live_server.url)
    monkeypatch.setenv("MER_TOKEN", token)

    def run(*words: object, code: int = 0, text: str | None = None):
        result = CliRunner().invoke(app, [str(word) for word in words], input=text)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "sub07" / "EP01.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("img1.jpg", b"x" * 1000)
    return path


def test_login_stores_the_token_for_this_user_only(mer_command, live_server, token, monkeypatch):
    monkeypatch.delenv("MER_TOKEN")
    result = mer_command("login", "--url", live_server.url, text=f"{token}\n")
    assert "You are a member of 1 project." in result.stderr
    assert stat.S_IMODE(config_file().stat().st_mode) == 0o600
    monkeypatch.delenv("MER_URL")
    assert mer_command("projects").stdout.splitlines()[1].split("\t")[1:] == [
        "alices-lab",
        "Alice's lab",
        "owner",
    ]


def test_login_refuses_a_wrong_token(mer_command, live_server):
    result = mer_command("login", "--url", live_server.url, "--token", "mer_wrong", code=3)
    assert "is unknown" in result.stderr
    assert not config_file().exists()


def test_results_are_json_if_asked_for(mer_command, project):
    assert json.loads(mer_command("projects", "--json").stdout)[0]["id"] == project.pk


def test_an_upload_is_repeated_without_harm(mer_command, database, file):
    words = ("upload", file, "-d", database.name, "--subject-from-folder")
    assert mer_command(*words).stdout.splitlines()[1].split("\t")[1:4] == ["sub07", "EP01", "processing"]
    mer_command(*words)
    assert Clip.objects.count() == 1


def test_one_bad_file_does_not_stop_the_others(mer_command, database, file, tmp_path):
    bad = tmp_path / "notes.txt"
    bad.write_text("x")
    result = mer_command("upload", bad, file, "-d", database.name, "-s", "s1", "--json", code=1)
    assert [clip["name"] for clip in json.loads(result.stdout)] == ["EP01"]
    assert "1 of 2 files were not uploaded." in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("upload", "missing.mp4", "-d", "1", "-s", "x"), 2, "missing.mp4"),
        (("compare", "1", "999999"), 1, "not found"),
        (("train", "999999"), 1, "999999"),
        (("train", "1", "--config", "{nonsense"), 1, "not JSON"),
        (("train", "1", "--set", "epochs"), 2, "name=value"),
        (("score", "1", "-m", "@nonesuch"), 1, "@nonesuch"),
        (("label", "export", "a.docx"), 1, ""),
        (("model", "get", "best"), 1, "an alias such as “@production”"),
        (("--url", "http://127.0.0.1:9", "projects"), 4, "Cannot reach http://127.0.0.1:9"),
        (("score",), 2, "Missing argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_end_with_a_message_and_a_code(mer_command, pauses, words, code, text):
    assert text in mer_command(*words, code=code).stderr


def test_a_mistake_is_json_if_asked_for(mer_command):
    found = json.loads(mer_command("train", "999999", "--json", code=1).stderr)["error"]
    assert (found["status"], bool(found["detail"])) == (400, True)


def test_labels_are_exported(mer_command, database, clip, api, tmp_path):
    api.post("/api/v1/annotations/", {"clip": clip.pk, "onset": 1, "apex": 2, "offset": 3})
    result = mer_command("label", "export", tmp_path / "marks.csv", "--json")
    assert json.loads(result.stdout)["format"] == "csv"
    assert "EP01" in (tmp_path / "marks.csv").read_text("utf-8-sig")


def test_without_a_token_it_says_where_to_get_one(mer_command, monkeypatch):
    monkeypatch.delenv("MER_TOKEN")
    assert "Create one on the page" in mer_command("projects", code=3).stderr


def test_it_starts_as_a_program_and_completes_words(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "clients/python/src")}
    environment["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = (
        "1"  # a background job has no shell to detect
    )
    program = [sys.executable, "-m", "mer_client.cli"]
    done = subprocess.run([*program, "--help"], env=environment, capture_output=True, text=True, check=True)
    for name in (
        "login",
        "projects",
        "upload",
        "import",
        "label",
        "compose",
        "train",
        "compare",
        "score",
        "model",
    ):
        assert f"\n  {name} " in done.stdout
    shown = subprocess.run(
        [*program, "--show-completion", "bash"], env=environment, capture_output=True, text=True, check=False
    )
    assert "COMP_WORDS" in shown.stdout + shown.stderr


def test_an_interrupted_upload_continues(mer_command, database, file, monkeypatch):
    """Ctrl-C in the middle of a file: the same command sends the rest."""
    monkeypatch.setattr(uploads, "LARGEST_PART", 200)
    shown: list[float] = []

    def interrupt(bar: object, text: str, done: float, total: float) -> None:
        shown.append(done)
        if done > total / 2 and len(shown) < 10:
            raise KeyboardInterrupt

    monkeypatch.setattr("mer_client.cli.output.Bar.__call__", interrupt)
    words = ("upload", file, "-d", database.name, "-s", "s1")
    assert "the same command continues" in mer_command(*words, code=130).stderr
    arrived = shown[-1]
    shown[:] = [0.0] * 10
    mer_command(*words)
    assert shown[10] == arrived
    assert Clip.objects.count() == 1
