"""The management commands: results as JSON, mistakes as sentences."""

import json

import pytest
from django.core.management import CommandError, call_command

from mer_platform.annotation.models import Consensus
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Experiment, Run
from mer_platform.jobs.models import Job
from models_ml.config import PRESETS

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]


@pytest.fixture
def labelled(make_clip):
    for subject in ("s1", "s2"):
        clip = make_clip(f"of {subject}", subject)
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")


@pytest.fixture
def composed(project, labelled, capsys) -> dict:
    call_command("compose", "--project", project.slug, "--json")
    return json.loads(capsys.readouterr().out)


def test_compose_prints_id_hash_and_counts(composed):
    version = CompositeVersion.objects.get(pk=composed["id"])
    assert composed["content_hash"] == version.content_hash
    assert composed["counts"]["classes"] == {"negative": 2, "positive": 0, "surprise": 0}


def test_compose_names_an_unknown_project_and_an_unknown_database(project, database):
    with pytest.raises(CommandError, match="Project “nowhere” not found"):
        call_command("compose", "--project", "nowhere")
    with pytest.raises(CommandError, match=r"Not found in .*: SMIC"):
        call_command("compose", "--project", project.slug, "--database", "SMIC")


def test_train_launches_the_configuration_in_the_file(composed, tmp_path, capsys):
    config = tmp_path / "config.json"
    config.write_text('{"seed": 3, "net": {"kernels": [2, 3]}}')
    call_command("train", "--composite-version", str(composed["id"]), "--config", str(config), "--json")
    printed = json.loads(capsys.readouterr().out)
    run = Run.objects.get(pk=printed["id"])
    assert (printed["seed"], printed["content_hash"]) == (3, composed["content_hash"])
    assert run.config["net"]["kernels"] == [2, 3]
    assert Job.objects.filter(group=run.group).exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"net": {"kernels": [2, 9]}}', "net.kernels.1: Kernel 9 is larger"),
        ('{"net": }', "is not JSON: line 1, column 9"),
        (None, "Cannot read"),
    ],
)
def test_train_says_what_is_wrong_with_the_file(composed, tmp_path, content, words):
    config = tmp_path / "config.json"
    if content is not None:
        config.write_text(content)
    with pytest.raises(CommandError, match=words):
        call_command("train", "--composite-version", str(composed["id"]), "--config", str(config))
    assert not Run.objects.exists()


def test_train_launches_a_sweep_from_the_command_line(composed, capsys):
    options = [
        "--set",
        "train.epochs=3",
        "--grid",
        "net.kernels=[2,3],[2,3,4]",
        "--grid",
        "net.placement=1,2",
    ]
    version = ("--composite-version", str(composed["id"]))
    call_command("train", *version, *options, "--seeds", "0,1", "--priority", "4", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert (printed["state"], len(printed["runs"])) == ("running", 8)
    assert printed["runs"][0]["values"] == {"net.kernels": [2, 3], "net.placement": 1, "seed": 0}
    experiment = Experiment.objects.get(pk=printed["experiment"])
    assert (experiment.priority, experiment.sweep["base"]) == (4, {"train": {"epochs": 3}})


def test_train_changes_a_preset_and_names_networks(composed, capsys):
    version = ("--composite-version", str(composed["id"]))
    call_command("train", *version, "--preset", "spp-study", "--set", "net.width=0.03", "--json")
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert len(runs) == len(PRESETS["spp-study"].sweep.runs())
    assert {run.config["net"]["width"] for run in Run.objects.all()} == {0.03}
    call_command("train", *version, "--grid", "net=vgg_m,ststnet", "--json")
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--grid", "net.kernels=[2],[2,9]"], "grid.net.kernels.1: Kernel 9 is larger"),
        (["--set", "train.epochs=0"], "base.train.epochs: "),
        (["--set", "net.width"], "is not of the form SETTING=VALUE"),
        (["--set", "seed.x=1", "--set", "seed.x.y=1"], "Cannot set"),
        (["--seeds", "0,x"], "seeds.1: "),
        (["--set", "protocol=kfold"], "base.protocol: 5 folds need at least 5 subjects"),
        (["--priority", "11"], "priority: "),
    ],
)
def test_train_says_what_is_wrong_with_its_options(composed, options, words):
    with pytest.raises(CommandError, match=words):
        call_command("train", "--composite-version", str(composed["id"]), *options)
    assert not Run.objects.exists()


def test_train_names_an_unknown_version(db):
    with pytest.raises(CommandError, match="no composite version 99"):
        call_command("train", "--composite-version", "99")


def test_seed_demo_requires_an_owner_and_plans_once(alice):
    with pytest.raises(CommandError, match="User “stranger” not found"):
        call_command("seed_demo", owner="stranger")
    for _ in range(2):
        call_command("seed_demo", owner="alice")
    assert Job.objects.filter(kind="demo").count() == 1
