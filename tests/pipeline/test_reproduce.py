"""The commands in a bundle's instructions give the same predictions again."""

import csv
import io
import json
import re
import shlex
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.management import call_command

from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from mer_platform.exports.bundles import write_bundle
from models_ml.config import RunConfig
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.services_in_faults]
COLUMNS = ["sample", "predicted", "p_negative", "p_positive", "p_surprise", "fold"]


def rows_of(content: bytes, run: int) -> list[list[str]]:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [[row[name] for name in COLUMNS] for row in rows if row["run"] == str(run)]


def test_the_commands_give_the_same_predictions(
    transactional_db, project, alice, work, tmp_path, monkeypatch, capsys
):
    version = freeze_pictures(project)
    settings = [
        {"net": {"name": "ststnet"}, "train": {"epochs": 2}, "seed": 5},
        {"net": {"name": "majority"}},
    ]
    runs = [services.launch(version, RunConfig.model_validate(config), alice) for config in settings]
    work()
    runs = [Run.objects.get(pk=run.pk) for run in runs]
    with (tmp_path / "bundle.zip").open("w+b") as file:
        write_bundle(runs, file)
    ZipFile(tmp_path / "bundle.zip").extractall(tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    text = Path("bundle/reproduce.md").read_text()
    commands = re.findall(r"```sh\n\.venv/bin/python manage\.py (.*)\n```", text)
    assert [command.split()[0] for command in commands] == [
        "composite_import", "train", "train", "export", "export",
    ]  # fmt: skip
    again: dict[str, int] = {}
    for command in commands:
        name, *words = shlex.split(command.partition(" > ")[0])
        if name == "composite_import":
            call_command(name, *[project.slug if word == "demo" else word for word in words])
            assert json.loads(capsys.readouterr().out)["version"] == version.pk
        elif name == "train":  # without a worker next to the test, the jobs are done here
            call_command(name, *[word for word in words if word not in ("--wait", "--json")])
            work()
            again[str(runs[len(again)].pk)] = Run.objects.latest("pk").pk
        else:
            call_command(name, *[str(again.get(word, word)) for word in words])
    for run in runs:
        before = rows_of(Path("bundle/predictions.csv").read_bytes(), run.pk)
        after = rows_of(Path(f"again-{run.pk}.csv").read_bytes(), again[str(run.pk)])
        assert len(before) == 24
        assert before == after
