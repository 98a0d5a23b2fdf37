"""A database of the release before migrates: its pages open, its results stay, and its half-done jobs finish."""

import gzip
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.urls import resolve

from mer_platform.experiments.models import Experiment, Fold, Run
from mer_platform.jobs.models import Job
from mer_platform.jobs.upkeep import announce_due
from models_ml.config import RunConfig
from tests.other_database import default_database
from workers import app, runner
from workers.feature_cache import FramePair

DUMP = Path(__file__).with_name("0.1.0.sql.gz")
PROJECT = "/projects/demo/"
LINKS = re.compile(r'\bhref="(/[^"#]*)"')
# Their files are no part of a dump.
NEEDS_FILES = re.compile(r"^(clip-file|clip-frames|clip-pack|feature-export-file)$")
ENOUGH = 3  # pages of each kind: the others differ only in their rows


@pytest.fixture(scope="module")
def migrated(tmp_path_factory, django_db_setup, django_db_blocker) -> Path:
    """The old database after ``migrate``."""
    file = tmp_path_factory.mktemp("upgrade") / "mer.sqlite3"
    with sqlite3.connect(file) as old:
        old.executescript(gzip.decompress(DUMP.read_bytes()).decode())
    with django_db_blocker.unblock(), default_database(file):
        call_command("migrate", verbosity=0)
        call_command("migrate", check_unapplied=True, verbosity=0)
    return file


@pytest.fixture
def old(migrated, tmp_path, django_db_blocker) -> Iterator[Path]:
    """A copy of the migrated database, in use."""
    file = shutil.copy(migrated, tmp_path)
    with django_db_blocker.unblock(), default_database(Path(file)):
        yield Path(file)


@pytest.fixture
def owner(old) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="admin"))
    return client


def crawl(client: Client, start: str) -> tuple[Counter[str], dict[str, int]]:
    """Follow every link from a page: how many pages of each kind were opened, and the addresses that did not answer 200."""
    opened: Counter[str] = Counter()
    failed: dict[str, int] = {}
    seen, waiting = {start}, [start]
    while waiting:
        address = waiting.pop()
        name = resolve(address.partition("?")[0]).view_name
        if opened[name] >= ENOUGH or NEEDS_FILES.match(name):
            continue
        answer = client.get(address, follow=True)
        opened[name] += 1
        if answer.status_code != 200:
            failed[address] = answer.status_code
        elif not answer.streaming and answer["Content-Type"].startswith("text/html"):
            found = {link.replace("&amp;", "&") for link in LINKS.findall(answer.content.decode())}
            found = {link for link in found if not link.startswith("/static/")} - seen
            seen |= found
            waiting += sorted(found)
    return opened, failed


def test_every_page_opens(owner):
    opened, failed = crawl(owner, "/")
    assert failed == {}
    pages = {"project", "clip", "version", "run", "experiment", "judge", "batch", "import", "compare-runs"}
    assert pages <= set(opened)


def test_every_list_and_record_of_the_api_answers(owner):
    for name, url in owner.get("/api/v1/").json().items():
        answer = owner.get(url)
        assert answer.status_code == 200, name
        rows = answer.json()["results"] if isinstance(answer.json(), dict) else []
        for row in rows[:ENOUGH]:
            assert owner.get(f"{url}{row['id']}/").status_code == 200, f"{name} {row['id']}"


def test_results_stay_what_they_were(owner):
    run = owner.get("/api/v1/runs/1/").json()
    assert (run["state"], run["config_hash"][:8]) == ("finished", "292fef2c")
    assert run["results"]["uf1"] == pytest.approx(0.8015628657339887)
    assert run["results"]["confusion"] == [[49, 9, 5], [9, 24, 1], [0, 1, 28]]
    version = owner.get("/api/v1/composite-versions/1/").json()
    assert (version["content_hash"][:8], version["counts"]["samples"]) == ("5b7e2282", 126)


def test_a_run_can_be_launched_again_with_its_old_configuration(old):
    for run in Run.objects.all():
        assert RunConfig.model_validate(run.config).content_hash() == run.config_hash


def test_an_experiment_still_knows_how_far_it_is(owner):
    experiment = owner.get("/api/v1/experiments/2/").json()
    progress = experiment["progress"]
    assert experiment["state"] == "running"
    assert (progress["folds_done"], progress["folds_total"], progress["features_done"]) == (34, 68, 126)


def test_every_open_job_has_a_worker_that_knows_its_kind(old):
    open_jobs = Job.objects.filter(state__in=Job.OPEN)
    assert open_jobs.count() == 20
    assert app.app
    assert {job.kind for job in open_jobs} <= set(runner.HANDLERS)


def test_the_half_done_experiment_finishes(old, monkeypatch):
    monkeypatch.setattr(Job, "announce", lambda job: None)
    experiment = Experiment.objects.get(pk=2)
    done_before = set(
        Fold.objects.filter(run__experiment=experiment, state=Fold.State.DONE).values_list(
            "pk", "weights_sha256"
        )
    )
    store_features(experiment)
    Job.objects.filter(state=Job.State.RUNNING).update(lease_until="2026-01-01T00:00:00Z")
    announce_due()
    while Job.objects.filter(group=experiment.group, state__in=Job.OPEN).exists():
        assert runner.take_next("training")
    assert set(experiment.runs.values_list("state", flat=True)) == {Run.State.FINISHED}
    assert all(run.predictions.count() == 126 for run in experiment.runs.all())
    assert done_before <= set(Fold.objects.values_list("pk", "weights_sha256"))


def store_features(experiment: Experiment) -> None:
    """Something to train on in the place of each sample's features, which are no part of the dump."""
    config = experiment.runs.first().settings.features
    random = np.random.default_rng(0)
    for sample in experiment.version.samples.select_related("clip"):
        file = ContentFile(b"")
        np.save(file, random.normal(size=(3, config.size, config.size)).astype(np.float32))
        default_storage.save(FramePair.of(sample).name(config), file)
