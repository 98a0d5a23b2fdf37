"""A sheet of annotations with unknown column names: the page and the API ask which column is which."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation
from mer_platform.projects.models import SheetColumns
from models_ml.formats.mapping import ColumnMap
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import confirmed, upload
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
HEADER = "subject,video_name,start_frame,apex_frame,end_frame,type_idx,au,who"
SPOTTED = f"{HEADER}\n6,006_1_2,5572,0,5594,1,4,alice\n"
MAP = ColumnMap(
    columns={
        "subject": "subject", "clip": "video_name", "onset": "start_frame", "apex": "apex_frame", "offset": "end_frame",
        "kind": "type_idx", "action_units": "au", "coder": "who",
    },
    words={"kind": {"1": "macro"}},
    none=("0",),
    header=tuple(HEADER.split(",")),
)  # fmt: skip
CHOICES = {
    "column_0": "subject", "column_1": "clip", "column_2": "onset", "column_3": "apex", "column_4": "offset",
    "column_5": "kind", "column_6": "action_units", "column_7": "coder", "frames": "source", "none": "0",
    "words": "kind: 1 = macro",
}  # fmt: skip


@pytest.fixture
def browser(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def unread(browser, project, samm_clip) -> AnnotationImport:
    """An uploaded sheet whose columns are not known."""
    send(browser, project, SPOTTED)
    return AnnotationImport.objects.get()


def send(browser: Client, project, text: str, coders: str = "names"):
    file = SimpleUploadedFile("spotting.csv", text.encode())
    return browser.post(f"/projects/{project.slug}/annotations/", {"file": file, "coders": coders})


def address(batch: AnnotationImport, rest: str = "") -> str:
    return f"/projects/{batch.project.slug}/annotations/imports/{batch.pk}/{rest}"


def test_a_sheet_with_unknown_columns_leads_to_the_page_that_asks_for_them(browser, project, unread):
    assert (unread.state, unread.problems[0]["code"]) == ("unread", "columns-unknown")
    answer = browser.get(address(unread), follow=True)
    assert answer.redirect_chain[-1][0] == address(unread, "columns/")
    text = answer.content.decode()
    assert "Which column is which?" in text
    assert '<option value="onset" selected>' in text
    listed = browser.get(f"/projects/{project.slug}/annotations/").content.decode()
    assert "columns not known" in listed


def test_the_choices_compare_the_sheet_and_are_remembered(api, browser, project, unread):
    answer = browser.post(address(unread, "columns/"), CHOICES)
    assert (answer.status_code, answer["Location"]) == (302, address(unread))
    unread.refresh_from_db()
    assert (unread.state, unread.columns) == ("checked", MAP.as_json())
    assert [p["code"] for p in unread.problems] == ["columns-mapped"]
    confirmed(api, {"id": unread.pk})
    annotation = Annotation.objects.get()
    assert (annotation.onset, annotation.apex, annotation.offset, annotation.kind, annotation.action_units) == (
        10, None, 31, "macro", "4",
    )  # fmt: skip
    assert annotation.emotion == ""
    assert SheetColumns.objects.get(project=project).columns == MAP.as_json()
    file = browser.get(address(unread, "columns.json"))
    assert (json.loads(file.content), file["Content-Disposition"]) == (
        MAP.as_json(),
        'attachment; filename="spotting-columns.json"',
    )


def test_the_columns_of_a_checked_sheet_can_be_chosen_again(browser, unread):
    browser.post(address(unread, "columns/"), CHOICES)
    assert address(unread, "columns/") in browser.get(address(unread)).content.decode()
    text = browser.get(address(unread, "columns/")).content.decode()
    assert "These are the choices for an earlier sheet with this header." in text
    browser.post(address(unread, "columns/"), {**CHOICES, "column_3": "", "words": "kind: 1 = micro"})
    unread.refresh_from_db()
    assert unread.entries[0]["fields"]["kind"] == "micro"


def test_what_the_sheet_cannot_be_is_shown_on_the_page(browser, unread):
    answer = browser.post(address(unread, "columns/"), {**CHOICES, "column_7": ""})
    assert answer.status_code == 422
    assert "does not name the coders" in answer.content.decode()
    unread.refresh_from_db()
    assert unread.state == "unread"


def test_an_unread_sheet_can_be_discarded_and_not_confirmed(api, browser, unread):
    assert api.post(f"/api/v1/annotation-imports/{unread.pk}/confirm/").status_code == 409
    assert address(unread, "discard/") in browser.get(address(unread, "columns/")).content.decode()
    browser.post(address(unread, "discard/"))
    assert not AnnotationImport.objects.exists()


def test_an_imported_sheet_keeps_its_columns(api, browser, unread):
    browser.post(address(unread, "columns/"), CHOICES)
    confirmed(api, {"id": unread.pk})
    answer = browser.post(address(unread, "columns/"), CHOICES, follow=True)
    assert "The columns of this file can no longer be chosen." in answer.content.decode()


def test_the_api_lists_the_columns_and_takes_a_map(api, project, samm_clip):
    refused = upload(api, project, "spotting.csv", SPOTTED)
    assert refused.status_code == 400
    (worksheet,) = refused.json()["worksheets"]
    assert worksheet["columns"][2]["reference"] == "start_frame"
    assert not AnnotationImport.objects.exists()
    file = SimpleUploadedFile("spotting.csv", SPOTTED.encode())
    body = {"project": project.pk, "file": file, "columns": json.dumps(MAP.as_json())}
    answer = api.post("/api/v1/annotation-imports/", body, format="multipart")
    assert answer.status_code == 201
    assert (answer.json()["counts"]["add"], answer.json()["columns"]) == (1, MAP.as_json())


@pytest.mark.parametrize(
    ("name", "columns", "field", "message"),
    [
        ("a.csv", "{}", "columns", "A value is required"),
        ("a.csv", "{", "columns", "Must be JSON"),
        ("a.eaf", json.dumps(MAP.as_json()), "file", "“a.eaf” is not a sheet, so it has no columns"),
    ],
)
def test_the_api_refuses_what_is_not_a_map(api, project, name, columns, field, message):
    body = {"project": project.pk, "file": SimpleUploadedFile(name, b"x,y\n1,2"), "columns": columns}
    answer = api.post("/api/v1/annotation-imports/", body, format="multipart")
    assert answer.status_code == 400
    assert message in errors_of(answer, field)[0]


def test_a_sheet_without_columns_for_fields_does_not_reset_them(api, project, ours):
    rows = "Subject,Filename,OnsetFrame,OffsetFrame,Coder\n6,006_1_2,5572,5594,alice"
    confirmed(api, upload(api, project, "marks.csv", rows).json())
    ours.refresh_from_db()
    assert (ours.onset, ours.apex, ours.offset, ours.emotion, ours.note) == (10, 20, 31, "happiness", "kept")


def test_the_command_takes_a_map(project, samm_clip, alice, tmp_path):
    (tmp_path / "spotting.csv").write_text(SPOTTED)
    (tmp_path / "map.json").write_text(json.dumps(MAP.as_json()))
    arguments = ["import_annotations", str(tmp_path / "spotting.csv"), "--project", project.slug]
    with pytest.raises(CommandError, match="Columns Filename, OnsetFrame, OffsetFrame not found"):
        call_command(*arguments)
    call_command(*arguments, "--columns", str(tmp_path / "map.json"))
    assert Annotation.objects.get().kind == "macro"
