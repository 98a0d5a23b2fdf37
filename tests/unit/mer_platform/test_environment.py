"""A wrong value in the environment ends the process with a sentence: the variable, what it takes, and what it has."""

import os
import re
import subprocess
import sys

import pytest

from mer_platform import environment
from mer_platform.settings import BASE_DIR

# A wrong value of each variable that the settings check.
WRONG = {
    "MER_DATA_DIR": "/proc/nowhere", "MER_DEBUG": "yes", "MER_HTTPS": "true", "MER_DEMO": "no",
    "MER_TRUSTED_ORIGINS": "mer.example.org", "DATABASE_URL": "mysq://h/x", "MER_MAX_CLIP_BYTES": "2 GB",
    "MER_DECODE_MEMORY": "0", "MER_DECODE_OUTPUT": "-1", "MER_DECODE_SECONDS": "nan", "MER_MODEL_CACHE_BYTES": "1.5",
    "MER_FOLD_WEIGHTS_DAYS": "-3", "MER_EXPORT_DAYS": "a year", "MER_JOB_DAYS": "-1",
    "MER_WEBHOOK_ALLOW_PRIVATE": "10.20.0.1/16", "MER_WEB_THREADS": "1e3",
    "REDIS_URL": "http://host", "MER_JOB_LEASE_SECONDS": "", "MER_JOB_REQUEUE_SECONDS": "soon",
    "MER_UPKEEP_SECONDS": "inf", "MER_LOG_LEVEL": "loud", "MER_LOG_FORMAT": "xml", "MER_METRICS_FROM": "10.20.0.1/16",
    "MER_MIN_FREE_BYTES": "1 GB", "MER_STATEMENT_SECONDS": "a minute", "MER_WORKER_STATEMENT_SECONDS": "-1",
}  # fmt: skip
CALL = re.compile(r'environment\.(\w+)\("(\w+)"')
CALLS = {name: kind for kind, name in CALL.findall((BASE_DIR / "mer_platform" / "settings.py").read_text())}
FREE = {"MER_ALLOWED_HOSTS"}  # any text may be right
REST = {"folder": [BASE_DIR], "whole": [1, 1], "seconds": [1], "choice": ["INFO", ["INFO"]], "database": [""]}


def test_the_table_has_every_variable():
    assert set(CALLS) == set(WRONG) | FREE


@pytest.mark.parametrize("name", sorted(set(WRONG) - {"MER_JOB_LEASE_SECONDS"}))
def test_a_wrong_value_is_named_with_its_variable(name, monkeypatch):
    monkeypatch.setenv(name, WRONG[name])
    kind = CALLS[name]
    with pytest.raises(SystemExit) as refused:
        getattr(environment, kind)(name, *REST.get(kind, []))
    sentence = str(refused.value.code)
    assert sentence.startswith(f"{name} must be ")
    assert f"not “{WRONG[name]}”" in sentence


def test_an_empty_value_is_the_default(monkeypatch):
    monkeypatch.setenv("MER_JOB_LEASE_SECONDS", "")
    assert environment.seconds("MER_JOB_LEASE_SECONDS", 60) == 60


def test_a_password_is_not_shown(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysq://lab:secret@host/x")
    with pytest.raises(SystemExit) as refused:
        environment.database("DATABASE_URL", "")
    assert "…@host/x" in str(refused.value.code)
    assert "secret" not in str(refused.value.code)


@pytest.mark.parametrize(
    "wrong", [{"MER_WEBHOOK_ALLOW_PRIVATE": "lab"}, {"MER_STORAGE_URL": "http://bucket"}]
)
def test_serve_ends_with_one_line(wrong, tmp_path):
    values = {**os.environ, "MER_DATA_DIR": str(tmp_path), **wrong}
    command = [sys.executable, "manage.py", "serve"]
    ended = subprocess.run(command, cwd=BASE_DIR, env=values, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    ((name, value),) = wrong.items()
    assert name in ended.stderr
    assert f"“{value}”" in ended.stderr
