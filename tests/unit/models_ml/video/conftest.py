"""Fixtures for the tests of clips."""

import shutil

import pytest


@pytest.fixture
def ffmpeg() -> str:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("NO ffmpeg FOUND: frames are not compared with an independent decoder")
    return program
