"""A database whose sheet has unknown column names: the page, the API and the command ask which column is which."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from mer_platform.imports.checking import check_here
from mer_platform.imports.models import Import, ImportFolder
from mer_platform.imports.services import fail
from mer_platform.projects.models import Role, SheetColumns
from models_ml.errors import InputError
from models_ml.formats.mapping import ColumnMap
from tests import trees
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
HEADER = ["Who", "Video", "First", "Peak", "Last", "Feeling"]
CHOICES = {
    "column_0": "subject", "column_1": "clip", "column_2": "onset", "column_3": "apex", "column_4": "offset",
    "column_5": "emotion", "frames": "0", "none": "-1", "words": "emotion: joy = happiness",
}  # fmt: skip
MAP = ColumnMap(
    columns=dict(zip(("subject", "clip", "onset", "apex", "offset", "emotion"), HEADER, strict=True)),
    words={"emotion": {"joy": "happiness"}},
    frames="0",
    none=("-1",),
    header=tuple(HEADER),
)


@pytest.fixture
def import_dir(settings, tmp_path, project) -> Path:
    """The import folder with a database of CASME II's folders and a sheet with names of its own."""
    settings.IMPORT_DIR = tmp_path / "import"
    ImportFolder.objects.create(project=project, path=".")
    root = tmp_path / "import" / "ours"
    rows = [[1, "EP02_01f", 0, 2, 4, "joy"], [1, "EP03_02", 1, -1, 3, "disgust"]]
    trees.xlsx(root / "ours.xlsx", [HEADER, *rows])
    for clip in ("EP02_01f", "EP03_02"):
        trees.frames(root / "sub01" / clip, range(46, 52))
    return root


@pytest.fixture
def browser(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def checked(batch: Import) -> Import:
    """Check an import as a worker does."""
    try:
        check_here(batch)
    except InputError as error:
        fail(batch.pk, str(error))
    batch.refresh_from_db()
    return batch


@pytest.fixture
def failed(api, project, import_dir) -> Import:
    answer = api.post("/api/v1/imports/", {"project": project.pk, "layout": "casme2", "source": "ours"})
    return checked(Import.objects.get(pk=answer.json()["id"]))


def address(batch: Import, rest: str = "") -> str:
    return f"/projects/{batch.project.slug}/imports/{batch.pk}/{rest}"


def marks(batch: Import) -> list[tuple]:
    return [
        (i.name, e["onset"], e["apex"], e["offset"], e["emotion"])
        for i in batch.items.all()
        for e in i.expressions
    ]


WANTED = [("EP02_01f", 0, 2, 4, "happiness"), ("EP03_02", 1, None, 3, "disgust")]


def test_a_sheet_with_unknown_columns_leads_to_the_page_that_asks_for_them(browser, failed):
    assert (failed.state, failed.unclear_sheet) == ("failed", "ours.xlsx")
    assert "Expected the columns Subject, Filename, OnsetFrame" in failed.problem
    assert f'href="{address(failed, "columns/")}"' in browser.get(address(failed)).content.decode()
    text = browser.get(address(failed, "columns/")).content.decode()
    for shown in ("Which column is which?", "Feeling", "<code>EP02_01f</code>", "2 rows follow."):
        assert shown in text
    assert '<option value="clip" selected>' in text  # “Video” is a name that lists use


def test_the_choices_start_the_check_again_and_are_remembered(browser, failed, project):
    answer = browser.post(address(failed, "columns/"), {"worksheet": "0", **CHOICES})
    again = Import.objects.exclude(pk=failed.pk).get()
    assert (answer.status_code, answer["Location"]) == (302, address(again))
    assert again.columns == {**MAP.as_json(), "worksheet": "Sheet"}
    assert checked(again).state == "checked"
    assert marks(again) == WANTED
    assert [p.code for p in again.problems.all()] == ["columns-mapped", "apex-missing"]
    (saved,) = SheetColumns.objects.filter(project=project)
    assert (saved.columns, saved.saved_by.username) == (again.columns, "alice")
    text = browser.get(address(failed, "columns/")).content.decode()
    assert "These are the choices for an earlier sheet with this header." in text
    assert '<option value="emotion" selected>' in text
    assert "emotion: joy = happiness" in text


def test_the_map_can_be_downloaded_and_used_again(browser, failed):
    browser.post(address(failed, "columns/"), CHOICES)
    again = Import.objects.exclude(pk=failed.pk).get()
    file = browser.get(address(again, "columns.json"))
    assert file["Content-Disposition"] == 'attachment; filename="ours-columns.json"'
    saved = SimpleUploadedFile("ours-columns.json", file.content)
    answer = browser.post(address(failed, "columns/"), {"frames": "source", "saved": saved})
    assert answer.status_code == 302
    assert Import.objects.order_by("pk").last().columns == again.columns


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"column_3": "onset"}, "Onset is column C already. Choose one of the two."),
        ({"column_2": ""}, "No column is chosen for: Onset."),
        ({"column_0": "", "column_1": ""}, "No column is chosen for: Subject, Clip."),
        ({"words": "joy = happiness"}, "“joy = happiness” is not of the form “emotion: 0 = negative”."),
        ({"saved": SimpleUploadedFile("a.json", b"{")}, "The column map is not JSON."),
        ({"saved": SimpleUploadedFile("a.json", b"{}")}, "This is not a column map"),
    ],
)
def test_each_mistake_on_the_page_is_named(browser, failed, change, message):
    answer = browser.post(address(failed, "columns/"), {**CHOICES, **change})
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert Import.objects.count() == 1


def test_an_empty_form_says_what_is_missing(browser, failed):
    answer = browser.post(address(failed, "columns/"))
    assert answer.status_code == 422


def test_only_researchers_of_the_project_see_the_page(failed, project, member):
    url = address(failed, "columns/")
    annotator = Client()
    member(project, "ann", Role.ANNOTATOR)
    annotator.force_login(User.objects.get(username="ann"))
    assert annotator.get(url).status_code == 403
    assert Client().get(url).status_code == 302


def test_an_import_whose_columns_are_known_has_no_such_page(browser, failed):
    Import.objects.update(unclear_sheet="")
    answer = browser.get(address(failed, "columns/"), follow=True)
    assert "The columns of this import's sheet are known" in answer.content.decode().replace("&#x27;", "'")


def test_another_worksheet_of_a_sheet_in_the_folder_can_be_chosen(api, browser, project, import_dir):
    header = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion"]
    first, second = ([1, "EP02_01f", onset, 48, 50, "disgust"] for onset in (46, 47))
    trees.xlsx(import_dir / "ours.xlsx", [header, first], Coder_2=[header, second])
    answer = api.post("/api/v1/imports/", {"project": project.pk, "layout": "casme2", "source": "ours"})
    batch = checked(Import.objects.get(pk=answer.json()["id"]))
    assert marks(batch) == [("EP02_01f", 0, 2, 4, "disgust")]
    assert address(batch, "columns/") in browser.get(address(batch)).content.decode()
    choices = dict(
        zip(
            (f"column_{n}" for n in range(6)),
            ("subject", "clip", "onset", "apex", "offset", "emotion"),
            strict=True,
        )
    )
    browser.post(address(batch, "columns/"), {"worksheet": "1", "frames": "source", **choices})
    again = checked(Import.objects.exclude(pk=batch.pk).get())
    assert (again.sheet, marks(again)) == ("ours.xlsx", [("EP02_01f", 1, 2, 4, "disgust")])


def test_a_sheet_that_is_gone_is_said(browser, failed, import_dir):
    (import_dir / "ours.xlsx").unlink()
    answer = browser.get(address(failed, "columns/"), follow=True)
    assert "“ours.xlsx” cannot be read" in answer.content.decode()


def test_the_api_lists_the_columns_and_takes_a_map(api, project, failed):
    assert api.get(f"/api/v1/imports/{failed.pk}/").json()["unclear_sheet"] == "ours.xlsx"
    (worksheet,) = api.get(f"/api/v1/imports/{failed.pk}/columns/").json()
    assert worksheet["header"] == HEADER
    assert worksheet["columns"][1] == {
        "reference": "Video", "letter": "B", "name": "Video", "samples": ["EP02_01f", "EP03_02"], "guess": "clip",
    }  # fmt: skip
    body = {"project": project.pk, "layout": "casme2", "source": "ours", "columns": MAP.as_json()}
    answer = api.post("/api/v1/imports/", body, format="json")
    assert answer.status_code == 202
    again = checked(Import.objects.get(pk=answer.json()["id"]))
    assert (again.state, marks(again)) == ("checked", WANTED)


@pytest.mark.parametrize(
    ("layout", "columns", "message"),
    [
        ("casme2", {"schema": "x"}, "This is not a column map"),
        ("casme2", "x", "The column map is not JSON."),
        ("elan", MAP.as_json(), "A column map does not suit the layout “elan”."),
    ],
)
def test_the_api_refuses_what_is_not_a_map(api, project, import_dir, layout, columns, message):
    body = {"project": project.pk, "layout": layout, "source": "ours", "columns": columns}
    answer = api.post("/api/v1/imports/", body, format="json")
    assert answer.status_code == 400
    assert message in " ".join(errors_of(answer, "columns"))


def test_the_command_takes_a_map(project, import_dir, tmp_path, capsys):
    file = tmp_path / "map.json"
    file.write_text(json.dumps(MAP.as_json()))
    arguments = ["import_dataset", "casme2", str(import_dir), "--project", project.slug, "--dry-run"]
    call_command(*arguments, "--columns", str(file))
    assert marks(Import.objects.get()) == WANTED
    assert "Read with a column map: subject from “Who”" in capsys.readouterr().out
    file.write_text("[]")
    with pytest.raises(CommandError, match="This is not a column map"):
        call_command(*arguments, "--columns", str(file))
    with pytest.raises(CommandError, match=r"Cannot read “.*none\.json”: No such file"):
        call_command(*arguments, "--columns", str(tmp_path / "none.json"))
