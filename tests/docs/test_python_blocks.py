"""The Python blocks in the documentation run."""

import doctest

import pytest

from tests.docs.markdown import Part, blocks
from tests.feature_files import write_small_export

EXPORTS = ("features.safetensors", "lab-v1.safetensors")  # the files that the blocks read


@pytest.fixture(autouse=True)
def exported_files(tmp_path, monkeypatch):
    """The current folder holds the feature files that the pages mention."""
    for name in EXPORTS:
        write_small_export(tmp_path / name)
    monkeypatch.chdir(tmp_path)


# The receiver of docs/webhooks.md runs until it is stopped: test_webhook_receiver.py runs it.
WITH_A_SERVER = ("docs/client.md:", "docs/recipes-api.md:")  # tests/clients runs these
RUNNABLE = [
    block
    for block in blocks("python")
    if "serve_forever" not in block.text and not block.place.startswith(WITH_A_SERVER)
]


@pytest.mark.parametrize("block", RUNNABLE, ids=str)
def test_the_block_runs(block: Part) -> None:
    if ">>>" in block.text:
        parsed = doctest.DocTestParser().get_doctest(block.text, {}, block.place, None, 0)
        assert doctest.DocTestRunner().run(parsed).failed == 0
    else:
        exec(compile(block.text, block.place, "exec"), {"__name__": "__main__"})  # noqa: S102 (our own pages)
