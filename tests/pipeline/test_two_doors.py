"""One file gives the same marks at every door: import of a database, page, API and command of the import of annotations."""

import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation, Assignment, Consensus, Judgement
from mer_platform.imports import services
from mer_platform.imports.models import Import
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import checked, confirmed, content, export
from tests.trees import samm_tree
from tests.trees.small import small_casme2_tree

pytestmark = [pytest.mark.services_in_faults]
DOORS = ("api", "page", "command", "database")
TOOLS = ("eaf.zip", "label-studio.json")


@pytest.fixture
def agreed(samm_clip, vfr_clip, make_clip) -> None:
    """A consensus with gaps in the numbering, a variable rate, several expressions, unset marks, and a verdict of none."""
    rows = [
        (samm_clip, 10, 20, 30, {"emotion": "happiness", "action_units": "R12A+14"}),
        (samm_clip, 50, 50, 70, {"emotion": "disgust", "kind": "macro"}),
        (vfr_clip, 0, 8, 9, {"emotion": "happiness"}),
        (vfr_clip, 42, None, 61, {"emotion": "surprise", "action_units": "1+2+5"}),
    ]
    for clip, onset, apex, offset, fields in rows:
        Consensus.objects.create(
            clip=clip, onset=onset, apex=apex, offset=offset, origin="adjudicated", **fields
        )
    Judgement.objects.create(clip=make_clip("EP09", "sub01"))


def marks() -> tuple[list, list]:
    names = ("clip__name", "onset", "apex", "offset", "kind", "emotion", "action_units", "origin")
    return (
        sorted(Consensus.objects.values_list(*names), key=str),
        sorted(Judgement.objects.values_list("clip__name", flat=True)),
    )


@pytest.fixture
def through(api, project, alice, work, tmp_path):
    """Import a file as the consensus through one of the doors."""

    def run(door: str, name: str, data: bytes, layout: str = "") -> None:
        if door == "api":
            confirmed(api, checked(api, project, name, data, "consensus"))
        elif door == "page":
            browser = Client()
            browser.force_login(alice)
            base = f"/projects/{project.slug}/annotations/"
            browser.post(base, {"file": SimpleUploadedFile(name, data), "coders": "consensus"})
            browser.post(f"{base}imports/{AnnotationImport.objects.latest('pk').pk}/confirm/")
        elif door == "command":
            path = tmp_path / name
            path.write_bytes(data)
            call_command(
                "import_annotations", str(path), project=project.slug, coders="consensus", user="alice"
            )
        else:
            _database(name, data, layout)

    def _database(name: str, data: bytes, layout: str) -> None:
        if name.endswith(".zip"):
            folder = tmp_path / "unpacked"
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                archive.extractall(folder)
            source = services.ImportSource(Import.SourceType.FOLDER, str(folder), confined=False)
            batch = services.start(project, layout, source, None, alice)
        else:
            file = ContentFile(data, name=name)
            source = services.ImportSource(Import.SourceType.FILE)
            batch = services.start(project, layout, source, file, alice)
        work()
        batch.refresh_from_db()
        services.confirm(batch, [], alice)
        work()

    return run


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", TOOLS)
def test_the_file_of_a_tool_gives_the_same_consensus(api, project, agreed, through, kind, door):
    stored, judged = marks()
    data = export(api, project, kind, marks="consensus")
    Consensus.objects.all().delete()
    Judgement.objects.all().delete()
    through(door, f"lab.{kind.split('.')[-1]}", data, kind.split(".")[0].replace("eaf", "elan"))
    assert marks() == ([(*row[:-1], "imported") for row in stored], judged)
    assert not Annotation.objects.exists()
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("door", DOORS[:3])
@pytest.mark.parametrize("tree", [small_casme2_tree, samm_tree])
def test_the_sheet_of_a_database_gives_the_same_consensus(
    project, alice, work, through, tmp_path, tree, door
):
    folder = tree(tmp_path / "tree")
    layout = "samm" if tree is samm_tree else "casme2"
    source = services.ImportSource(Import.SourceType.FOLDER, str(folder), confined=False)
    batch = services.start(project, layout, source, None, alice)
    work()
    batch.refresh_from_db()
    services.confirm(batch, [], alice)
    work()
    by_database = marks()
    assert by_database[0], list(batch.problems.values_list("message", flat=True))
    Consensus.objects.all().delete()
    sheet = next(Path(folder).rglob("*.xlsx"))
    through(door, sheet.name, sheet.read_bytes())
    assert marks() == by_database


def test_the_lossless_file_restores_a_project(api, project, coded, agreed, alice, anna, through):
    Assignment.objects.create(clip=coded[0].clip, coder=anna)
    nothing = Assignment.objects.create(clip=coded[-1].clip, coder=alice, done_at="2026-01-02T03:04:05Z")
    Annotation.objects.filter(clip=nothing.clip, coder=alice).delete()
    before, decided = content("note", "confidence"), marks()
    data = export(api, project, "json")
    for model in (Assignment, Consensus, Judgement):
        model.objects.all().delete()
    Annotation.everything.all().delete()
    confirmed(api, checked(api, project, "lab.json", data))
    assert (content("note", "confidence"), marks()) == (before, decided)
    done = Assignment.objects.get()
    assert (done.clip, done.coder, done.done_at.isoformat()) == (
        nothing.clip,
        alice,
        "2026-01-02T03:04:05+00:00",
    )


def test_the_command_reports_what_it_would_do(project, samm_clip, tmp_path, capsys):
    path = tmp_path / "lab.csv"
    head = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion,Coder"
    path.write_text(f"{head}\n6,006_1_2,5572,5583,5594,4,happiness,AN\n")
    given = {"project": project.slug, "member": ["AN=alice"]}
    call_command("import_annotations", str(path), **given, dry_run=True)
    printed = capsys.readouterr().out
    assert "0: add CASME II/006/006_1_2, alice" in printed
    assert "lab.csv is not imported (dry run): 1 to add" in printed
    assert not AnnotationImport.objects.exists()
    call_command("import_annotations", str(path), **given, choose=["0=keep"])
    assert not Annotation.objects.exists()
    for options, words in (
        ({"choose": ["x"]}, "--choose must be NUMBER=CHOICE"),
        ({"choose": ["9=add"]}, "no row number 9"),
        ({"coders": "me"}, "Name the member with --user"),
        ({"user": "zoe"}, "has no member “zoe”"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("import_annotations", str(path), **{**given, **options})
