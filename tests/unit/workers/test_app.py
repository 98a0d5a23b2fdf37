"""Handlers are found in the modules of the package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.runner import HANDLERS, Handler, handles

TOY = """
from workers.runner import handles

@handles("toy")
def play(claim):
    pass
"""
LOOK = """
import sys, workers
workers.__path__.append(sys.argv[1])
import workers.app
from workers.runner import HANDLERS
print(HANDLERS["toy"].run.__module__, len(HANDLERS) > 10)
"""


def test_a_kind_of_job_needs_nothing_but_its_module(tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(TOY)
    command = [sys.executable, "-c", LOOK, str(tmp_path)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mer_platform.settings"}
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert shown.strip() == "workers.toy True"


def test_two_handlers_cannot_take_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HANDLERS, "toy", Handler(lambda claim: None, None))
    with pytest.raises(ValueError, match="Two handlers for jobs of kind 'toy'"):
        handles("toy")(lambda claim: None)
