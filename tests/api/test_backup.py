"""Backup, restore and verification of an installation, by its three commands."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.deletion.models import Removal
from mer_platform.jobs import schema
from mer_platform.jobs.models import Job, Worker
from mer_platform.operation.backup import making, vault
from mer_platform.projects.models import Project
from mer_platform.storage import store_by_content, stored_names
from mer_platform.withdrawals.models import Withdrawal
from mer_platform.withdrawals.services import withdraw
from tests.other_database import empty_database

pytestmark = pytest.mark.django_db(
    transaction=True
)  # SQLite copies no database in the midst of a transaction
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def quick_lock(monkeypatch, request):
    """Tests of other things than the passphrase do without its slow hash, which costs a second each time."""
    if "passphrase" not in request.node.name:
        monkeypatch.setattr(vault, "lock_identity", lambda identity, passphrase: identity.encode())
        monkeypatch.setattr(vault, "unlock_identity", lambda locked, passphrase: locked.decode())


@pytest.fixture(autouse=True)
def own_place(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("MER_BACKUP_PASSPHRASE", PASSPHRASE)
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.MEDIA_ROOT = tmp_path / "data" / "media"


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def elsewhere(settings, tmp_path) -> AbstractContextManager[None]:
    """A context in which the installation is another, empty one."""

    @contextmanager
    def switch() -> Iterator[None]:
        settings.DATA_DIR = tmp_path / "elsewhere"
        settings.DATA_DIR.mkdir()
        settings.MEDIA_ROOT = tmp_path / "elsewhere" / "media"
        with empty_database(tmp_path):
            yield

    return switch()


def store(content: bytes = b"a face") -> str:
    return store_by_content("clips", ContentFile(content), ".mp4").name


def command(*arguments: Any) -> str:
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def refusal(*arguments: Any) -> str:
    with pytest.raises(CommandError) as caught:
        command(*arguments)
    return str(caught.value)


@pytest.mark.services
def test_an_installation_with_open_jobs_is_restored_and_its_jobs_continue(folder, elsewhere, settings):
    project = Project.objects.create(name="P", slug="p")
    job = Job.objects.create(kind="ingest", queue="ingest", project=project, key="k", group="g")
    assert Job.claim(job.pk, "host:1") is not None
    name = store()
    settings.SECRET_KEY = "the key of before"
    said = command("backup", folder)
    assert "database and 1 files" in said
    settings.SECRET_KEY = "another key"
    with elsewhere:
        assert f"database and {1} files" in command("restore", folder)
        assert default_storage.open(name).read() == b"a face"
        assert (settings.DATA_DIR / "secret_key").read_text() == "the key of before"
        assert (settings.DATA_DIR / "secret_key").stat().st_mode & 0o777 == 0o600
        assert Job.claim(job.pk, "new:2") is None  # its lease has not expired yet
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        claim = Job.claim(job.pk, "new:2")
        assert claim is not None
        assert claim.attempt == 2
        assert "has tables" in refusal("restore", folder)
        Worker.objects.create(name="w:1", host="w", pid=1, device="cpu", last_seen=timezone.now())
        assert "Stop it first" in refusal("restore", folder, "--force")
        Worker.objects.all().delete()
        Project.objects.create(name="Later", slug="later")
        command("restore", folder, "--force")
        assert list(Project.objects.values_list("slug", flat=True)) == ["p"]


def test_a_second_backup_copies_only_what_is_new(folder):
    store()
    command("backup", folder)
    before = {path: path.stat().st_mtime_ns for path in (folder / "objects").rglob("*.age")}
    store(b"another")
    assert "2 files" in command("backup", folder)
    after = {path: path.stat().st_mtime_ns for path in (folder / "objects").rglob("*.age")}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1  # the database did not change
    assert len(command("restore", folder, "--list").split()) == 2


def test_nothing_in_a_backup_can_be_read_or_recognised_without_the_key(folder):
    User.objects.create_user("margaret")
    name = store()
    command("backup", folder)
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "identity.age":
            content = path.read_bytes()
            assert b"a face" not in content
            assert b"margaret" not in content
            assert Path(name).stem not in str(path)
            assert path.stat().st_mode & 0o077 == 0 or path.name == "lock"


def test_only_the_passphrase_opens_a_backup(folder, monkeypatch):
    assert "12 characters" in _with(monkeypatch, "short", "backup", folder)
    opened = making.open_vault(folder, PASSPHRASE, create=True)
    assert opened.identity.to_public()
    assert "does not open" in _with(monkeypatch, "another passphrase", "verify", folder)
    assert "MER_BACKUP_PASSPHRASE" in _with(monkeypatch, "", "restore", folder)


def _with(monkeypatch, passphrase: str, *arguments: Any) -> str:
    monkeypatch.setenv("MER_BACKUP_PASSPHRASE", passphrase)
    return refusal(*arguments)


@pytest.fixture
def made(folder) -> tuple[vault.Vault, str]:
    """A backup with one file, and its path in the backup."""
    name = store()
    command("backup", folder)
    opened = making.open_vault(folder, PASSPHRASE)
    snapshot = making.Snapshot.read(opened, opened.snapshots()[-1])
    return opened, opened.object_path(snapshot.files[name].sha256)


def test_verify_accepts_a_whole_backup_and_a_whole_installation(folder, made):
    assert "agree" in command("verify", folder, "--installation")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-3]), "damaged or cut off"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), "damaged or cut off"),
    ],
    ids=["missing", "cut off", "changed"],
)
def test_a_damaged_backup_is_found_and_not_restored(folder, made, elsewhere, damage, sentence):
    damage(made[1])
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 problems"):
        call_command("verify", str(folder), stdout=out)
    assert sentence in out.getvalue()
    assert str(made[1]) in out.getvalue()
    with elsewhere:
        assert sentence in refusal("restore", folder)
        assert list(stored_names("clips")) == []


def test_a_file_swapped_for_another_is_found(folder, made):
    opened, path = made
    other, _ = opened.put(io.BytesIO(b"another face"))
    opened.object_path(other.sha256).replace(path)
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", str(folder), stdout=out)
    assert "other bytes" in out.getvalue()


def test_verify_names_a_changed_file_of_the_installation(folder, made):
    name = next(stored_names("clips"))
    Path(default_storage.path(name)).write_bytes(b"A face")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", str(folder), "--installation", stdout=out)
    assert f"{name} has other bytes" in out.getvalue()


def test_a_backup_of_a_newer_version_is_refused(folder, made, elsewhere, monkeypatch):
    monkeypatch.setattr(schema, "_known", lambda: (frozenset({"clips"}), frozenset()))
    opened, _ = made
    snapshot = making.Snapshot.read(opened, opened.snapshots()[-1])
    newer = snapshot.model_copy(update={"migrations": ["clips.9999_later"], "version": "9.1"})
    opened.write_snapshot("z-newer", newer.model_dump_json())
    opened.write_snapshot("z-other", '{"format": 9, "version": "10.0"}')
    with elsewhere:
        assert "Install version 9.1" in refusal("restore", folder, "--snapshot", "z-newer")
    assert "Install version 10.0" in refusal("verify", folder, "--snapshot", "z-other")
    assert "No backup “nine”" in refusal("verify", folder, "--snapshot", "nine")


def test_a_backup_that_fails_leaves_nothing_behind(folder, made, monkeypatch):
    store(b"more")
    before = sorted(path for path in folder.rglob("*"))

    def full(reader, writer, recipients):
        writer.write(b"part")
        raise pyrage.EncryptError("OSError: [Errno 28] No space left on device")

    monkeypatch.setattr(pyrage, "encrypt_io", full)
    assert "No space left" in refusal("backup", folder)
    assert sorted(path for path in folder.rglob("*")) == before


def test_only_the_newest_backups_are_kept_with_what_they_need(folder, made):
    default_storage.delete(next(stored_names("clips")))
    name = store(b"stays")
    command("backup", folder)
    assert "Removed 1 older backups" in command("backup", folder, "--keep", 2)
    assert "Removed 1 older backups, with" in command("backup", folder, "--keep", 2)
    assert not made[1].exists()
    assert name in making.Snapshot.read(made[0], made[0].snapshots()[0]).files
    command("verify", folder)


def test_a_file_deleted_while_the_backup_is_made_is_reported(folder, monkeypatch):
    store()
    monkeypatch.setattr(making, "stored_files", lambda: iter(["clips/aa/gone.mp4", *stored_names("clips")]))
    said = command("backup", folder)
    assert "1 files were deleted" in said
    assert "database and 1 files" in said


def test_restoring_over_other_files_needs_force(folder, made, elsewhere):
    with elsewhere:
        store(b"of someone else")
        assert "Cannot restore over other stored files" in refusal("restore", folder)
        command("restore", folder, "--force")


def test_a_folder_with_other_files_is_not_taken_for_a_backup(folder):
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    assert "contains other files" in refusal("backup", folder)
    assert "identity.age is missing" in refusal("verify", folder)


def test_people_who_were_withdrawn_after_a_backup_do_not_come_back(folder, elsewhere, tmp_path):
    project = Project.objects.create(name="P", slug="p")
    database = Database.objects.create(project=project, name="Lab")
    for name in ("s1", "s2"):
        person = Subject.objects.create(database=database, name=name)
        file = store(f"the face of {name}".encode())
        Clip.objects.create(
            project=project, subject=person, name="c", original_name=f"{name}.mp4", size=1, file=file,
            sha256=file.rpartition("/")[2].removesuffix(".mp4"),
        )  # fmt: skip
    command("backup", folder)
    withdrawal = withdraw(Subject.objects.get(name="s1"), None)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "one.json").write_bytes(default_storage.open(f"withdrawals/{withdrawal.key}.json").read())
    with elsewhere:
        said = command("restore", folder, "--withdrawals", copy)
        assert f"Withdrew {withdrawal.pseudonym} again" in said
        assert list(Subject.objects.values_list("name", flat=True)) == ["s2"]
        assert Removal.objects.filter(name__startswith="clips/").count() == 1
        again = Withdrawal.objects.get()
        assert (again.key, again.pseudonym) == (withdrawal.key, withdrawal.pseudonym)
        assert again.applied_at > again.withdrawn_at


def test_a_newer_backup_carries_the_withdrawals_for_the_restore_of_an_older_one(folder, elsewhere):
    project = Project.objects.create(name="P", slug="p")
    person = Subject.objects.create(database=Database.objects.create(project=project, name="Lab"), name="s1")
    command("backup", folder)
    withdrawal = withdraw(person, None)
    command("backup", folder)
    [older, _newer] = command("restore", folder, "--list").split()
    with elsewhere:
        said = command("restore", folder, "--snapshot", older)
        assert f"{withdrawal.pseudonym} again" in said or f"{withdrawal.pseudonym} is not" in said
        assert not Subject.objects.exists()


def test_a_damaged_list_of_withdrawals_is_refused(folder, tmp_path):
    command("backup", folder)
    (tmp_path / "one.json").write_text("{}")
    assert "one.json is damaged" in refusal("restore", folder, "--force", "--withdrawals", tmp_path)
