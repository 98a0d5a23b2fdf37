"""A person is withdrawn: no byte of them is left, and old results can still be explained."""

import shutil
from pathlib import Path

import pytest
from django.db import connection

from mer_platform.clips.models import Clip, Subject
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Job
from mer_platform.withdrawals.models import Withdrawal
from mer_platform.withdrawals.upkeep import complete_withdrawals
from tests.other_database import default_database
from tests.prepared import migrated_file
from tests.withdrawal_lab import NAME, Lab, remove_all_files, traces

pytestmark = pytest.mark.services
SCORES = ("uf1", "uar", "accuracy")


@pytest.fixture(autouse=True)
def own_place(transactional_db, settings, tmp_path):
    """A data folder of its own with files and, on SQLite, the database, which is searched byte by byte."""
    folder = tmp_path / "data"
    settings.DATA_DIR = folder
    settings.MEDIA_ROOT = folder / "media"
    settings.MEDIA_ROOT.mkdir(parents=True)
    if connection.vendor != "sqlite":
        yield
        return
    file = folder / "mer.sqlite3"
    shutil.copy(migrated_file(), file)
    with default_database(file):
        yield


@pytest.fixture
def lab(own_place, api, work, database, tmp_path) -> Lab:
    (tmp_path / "made").mkdir()
    lab = Lab(api, work, database, tmp_path / "made")
    lab.upload()
    return lab


def test_after_a_withdrawal_a_byte_search_finds_nothing(lab: Lab, caplog, tmp_path: Path):
    caplog.set_level("DEBUG", "mer_platform")
    version = lab.freeze()
    run = lab.use(version)
    scores = lab.api.get(f"/api/v1/runs/{run}/").json()["results"]
    before = dict(traces(lab, tmp_path / "data", ""))
    assert any(place.startswith(("mer.sqlite3", "pg_dump")) for place in before)
    certificate = lab.withdraw(retire_models=True, erase_weights=True)
    remove_all_files()
    complete_withdrawals()
    assert traces(lab, tmp_path / "data", caplog.text) == []

    done = lab.api.get(f"/api/v1/withdrawals/{certificate['id']}/").json()
    assert done["completed_at"] is not None
    assert done["files_shared"] == 0
    assert done["versions"][0]["confirmed"] is True
    after = lab.api.get(f"/api/v1/runs/{run}/").json()["results"]
    assert {name: after[name] for name in SCORES} == {name: scores[name] for name in SCORES}
    assert not Subject.objects.filter(name=NAME).exists()
    assert not Job.objects.filter(state__in=Job.OPEN).exists()
    found = CompositeVersion.objects.get(pk=version)
    assert found.withdrawn_samples == 2
    assert Run.objects.get(pk=run).model.stage == "archived"


def test_equal_bytes_of_another_project_stay(lab: Lab, other_project, tmp_path: Path):
    clip = Clip.objects.get(pk=lab.clips[0])
    database = other_project.databases.create(name="Other")
    person = Subject.objects.create(database=database, name="s9")
    fields = {f.name: getattr(clip, f.name) for f in Clip._meta.concrete_fields if f.name != "id"}
    same = Clip.objects.create(
        **{**fields, "project": other_project, "subject": person, "name": "a", "original_name": "a.mp4"}
    )
    lab.freeze()
    lab.withdraw()
    remove_all_files()
    complete_withdrawals()
    media = tmp_path / "data" / "media"
    assert (media / same.file).exists()
    assert (media / same.pack_name).exists()
    assert [what for _, what in traces(lab, tmp_path / "data", "")] == ["frames 0"]
    assert Withdrawal.objects.get().files_shared == 4  # the clip, and its three packed files
