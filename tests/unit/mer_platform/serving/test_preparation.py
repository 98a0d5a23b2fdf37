"""The parts of `manage.py serve` that need no running platform."""

import pytest
from django.core.management import CommandError

from mer_platform.serving import preparation, processes
from mer_platform.serving.management.commands import serve


@pytest.mark.parametrize("port", ["0", "65536", "-1", "web", "80.5"])
def test_a_port_out_of_range_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CommandError, match=f"PORT must be .* not “{port}”"):
        processes.number_from_environment("PORT", 8000, 1, 65535)


def test_a_data_folder_serves_one_platform_at_a_time(tmp_path):
    with (
        preparation.only_one_in(tmp_path),
        pytest.raises(CommandError, match="already running"),
        preparation.only_one_in(tmp_path),
    ):
        pass
    with preparation.only_one_in(tmp_path):
        assert (tmp_path / "serve.lock").read_text().isdecimal()


def test_static_files_are_collected_again_only_when_one_changed(settings, tmp_path):
    settings.STATICFILES_DIRS = [tmp_path]
    (tmp_path / "page.css").write_text("a {}")
    before = preparation.static_digest()
    assert preparation.static_digest() == before
    (tmp_path / "page.css").write_text("a { margin: 0 }")
    assert preparation.static_digest() != before


def test_the_box_is_as_wide_as_its_widest_line():
    lines = serve.box(["short", "a longer line"]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "│ short         │"
