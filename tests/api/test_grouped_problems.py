"""The report of an import groups what repeats; each row stays findable."""

import csv
import io

import pytest
from django.core.management import call_command
from django.test import Client

from mer_platform.imports import services
from mer_platform.imports.checking import check_here
from mer_platform.imports.models import Import
from mer_platform.imports.services import ImportSource
from mer_platform.projects.models import Role
from tests.trees.flow_pictures import flow_folds

pytestmark = [pytest.mark.django_db, pytest.mark.services]
MISSING = "The sample is missing from the u_train of … of … other subjects: …"


@pytest.fixture
def folder(tmp_path):
    """Published flow pictures of which only each subject's own test folder was downloaded, and an odd one."""
    subjects = [f"sub{n:02}" for n in range(1, 13)]
    root = flow_folds(
        tmp_path / "Flow", [(subject, f"EP{n:02}_01", str(n % 3)) for n, subject in enumerate(subjects)]
    )
    for image in root.glob("*/u_train/*/*.png"):
        image.unlink()
    (root / "sub01" / "u_test" / "9").mkdir()
    next(root.glob("sub01/u_test/*/*.png")).rename(root / "sub01" / "u_test" / "9" / "sub01_EP00_01.png")
    return root


@pytest.fixture
def checked(project, alice, folder) -> Import:
    source = ImportSource(Import.SourceType.FOLDER, str(folder), confined=False)
    batch = services.start(project, "flow-images", source, None, alice, enqueue=False)
    check_here(batch)
    return batch


@pytest.fixture
def browser(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def address(batch: Import, rest: str = "") -> str:
    return f"/projects/{batch.project.slug}/imports/{batch.pk}/{rest}"


def groups_of(api, batch: Import, **filters) -> list[dict]:
    answer = api.get(f"/api/v1/imports/{batch.pk}/problem-groups/", filters)
    assert answer.status_code == 200
    return answer.json()


def test_the_api_groups_equal_problems(api, checked):
    error, warning = groups_of(api, checked)
    assert (error["severity"], error["code"], error["count"]) == ("error", "label-unknown", 1)
    assert "“9” is not 0, 1 or 2" in error["message"]
    assert (warning["severity"], warning["count"], warning["message"]) == ("warning", 11, MISSING)
    assert len(warning["first"]) == 3
    assert warning["first"][0]["subject"] == "sub02"
    assert [group["code"] for group in groups_of(api, checked, severity="error")] == ["label-unknown"]


def test_the_api_lists_the_problems_of_a_group(api, checked):
    url = f"/api/v1/imports/{checked.pk}/problems/"
    key = groups_of(api, checked, severity="warning")[0]["key"]
    rows = api.get(url, {"group": key}).json()
    assert rows["count"] == 11
    assert {row["code"] for row in rows["results"]} == {"train-missing"}
    assert set(rows["results"][0]) == set(api.get(url).json()["results"][0])
    assert api.get(url, {"group": "unknown"}).json()["count"] == 0


def test_the_page_shows_groups_and_leads_to_their_rows(browser, api, checked):
    page = browser.get(address(checked)).content.decode()
    assert (
        page.count("is missing from the u_train") == 3
    )  # the message, an example, and once for screen readers
    assert "Show all 11" in page
    assert "12 problems in 2" in page
    key = groups_of(api, checked, severity="warning")[0]["key"]
    rows = browser.get(address(checked), {"group": key}).content.decode()
    assert rows.count('data-label="Severity"') == 11
    assert browser.get(address(checked), {"rows": "1"}).content.decode().count('data-label="Severity"') == 12
    part = browser.get(
        address(checked), {"part": "problems", "severity": "error"}, headers={"HX-Request": "true"}
    )
    assert part.content.decode().count('data-label="Severity"') == 1


def test_the_rows_download_as_csv(browser, api, checked):
    def lines(**filters) -> list[dict[str, str]]:
        answer = browser.get(address(checked, "problems.csv"), filters)
        assert "attachment" in answer["Content-Disposition"]
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert len(lines()) == 12
    assert [line["code"] for line in lines(severity="error")] == ["label-unknown"]
    key = groups_of(api, checked, severity="warning")[0]["key"]
    assert [line["subject"] for line in lines(group=key)] == [f"sub{n:02}" for n in range(2, 13)]


def test_annotators_cannot_read_the_groups(member, client, checked):
    carol = member(checked.project, "carol", Role.ANNOTATOR)
    assert carol.get(f"/api/v1/imports/{checked.pk}/problem-groups/").status_code in (403, 404)
    client.force_login(type(checked.created_by).objects.get(username="carol"))
    assert client.get(address(checked, "problems.csv")).status_code == 403


def test_the_command_groups_too_and_writes_all_rows_to_a_file(project, folder, tmp_path, capsys):
    written = tmp_path / "problems.csv"
    command = ["import_dataset", "flow-images", str(folder), "--project", project.slug, "--dry-run"]
    call_command(*command, "--problems", str(written))
    shown = capsys.readouterr().out
    assert shown.count("is missing from the u_train") == 1
    assert "11 in all]" in shown
    assert len(list(csv.DictReader(io.StringIO(written.read_text("utf-8-sig"))))) == 12
