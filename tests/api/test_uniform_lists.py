"""Each list of the API has the same manners. A new list needs an entry in ``list_lab``."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.api_schema import operations
from tests.api.list_lab import ListLab

pytestmark = pytest.mark.django_db
# Computed for an answer, not stored as rows: numbered pages and cursors only.
COMPUTED = {"/api/v1/runs/{id}/errors/", "/api/v1/projects/{id}/leaderboard/"}


def parameters(path: str) -> dict[str, dict[str, Any]]:
    """Return the parameters of the query of a list, by name."""
    [found] = [operation for at, method, operation in operations() if (at, method) == (path, "get")]
    return {p["name"]: p for p in found.get("parameters", []) if p["in"] == "query"}


def listed() -> Iterator[str]:
    for path, method, operation in operations():
        names = {p["name"] for p in operation.get("parameters", [])}
        if method == "get" and "cursor" in names and path not in COMPUTED:
            yield path


@pytest.fixture
def lab(alice, project) -> ListLab:
    return ListLab(alice, project)


def pages(api, address: str, **query: Any) -> list[Any]:
    """Return the rows of all pages, following ``next``; each page but the last is full."""
    found: list[Any] = []
    url: str | None = f"{address}?{urlencode(query)}"
    while url:
        page = api.get(url)
        assert page.status_code == 200, page.content
        found += page.data["results"]
        assert page.data["next"] is None or len(page.data["results"]) == query["page_size"]
        url = page.data["next"]
    return found


def test_each_list_of_the_api_is_tested_here(lab):
    assert set(listed()) == set(lab.lists())


def test_each_list_has_the_same_manners(lab, api, subtests):
    for path, (address, add) in lab.lists().items():
        with subtests.test(path):
            for _ in range(3):
                add()
            answer = api.get(address)
            assert answer.status_code == 200, answer.content
            assert set(answer.data) == {"count", "next", "previous", "results"}
            assert answer.data["count"] == len(answer.data["results"]) >= 3
            assert 'rel="first"' in answer["Link"]
            stated = "no-store" if path == "/api/v1/uploads/" else "private, no-cache"
            assert answer["Cache-Control"] == stated
            again = api.get(address, headers={"If-None-Match": answer["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            add()
            changed = api.get(address, headers={"If-None-Match": answer["ETag"]})
            assert changed.status_code == 200
            assert changed["ETag"] != answer["ETag"]


def test_each_list_gives_each_row_once_in_any_order_by_page_and_by_cursor(lab, api, subtests):
    for path, (address, add) in lab.lists().items():
        for _ in range(3):
            add()
        orders = [""]
        if described := parameters(path).get("ordering"):
            names = described["description"].split("`")[1::2]
            orders += [f"{'-' if number % 2 else ''}{name}" for number, name in enumerate(names)]
        with subtests.test(path):
            assert pages(api, address, page_size=2) == api.get(address).data["results"]
            for order in orders:
                query = {"ordering": order} if order else {}
                rows = api.get(address, query).data["results"]
                assert pages(api, address, cursor="", page_size=3, **query) == rows, order


def test_each_list_refuses_what_it_does_not_know_and_names_what_it_knows(lab, api, subtests):
    for path, (address, add) in lab.lists().items():
        add()
        with subtests.test(path):
            refused = api.get(f"{address}?fields=feelings")
            assert refused.status_code == 400
            assert "“feelings”" in refused.content.decode()
            assert api.get(f"{address}?cursor=abc").status_code == 400
            for size in ("0", "1001", "-1", "many", "1.5"):
                assert api.get(f"{address}?page_size={size}").status_code == 400, size
            if "ordering" in parameters(path):
                refused = api.get(f"{address}?ordering=feelings")
                assert refused.status_code == 400
                assert "Known: id" in refused.content.decode()


def test_each_list_gives_the_fields_that_were_asked_for(lab, api, subtests):
    for path, (address, add) in lab.lists().items():
        add()
        with subtests.test(path):
            names = list(api.get(address).data["results"][0])[:2]
            for row in api.get(f"{address}?fields={','.join(names)}").data["results"]:
                assert list(row) == names


def test_each_list_takes_the_same_queries_for_2_rows_and_for_20(lab, api, subtests):
    for path, (address, add) in lab.lists().items():
        with subtests.test(path):
            for _ in range(2):
                add()
            few = queries(api, address)
            for _ in range(18):
                add()
            many = queries(api, address)
            assert many == few
            assert many <= 16


def queries(api, address: str) -> int:
    api.get(address)  # stores what the first reader computes
    with CaptureQueriesContext(connection) as captured:
        assert api.get(f"{address}?page_size=1000").status_code == 200
    return len(captured)


def test_each_row_says_where_it_and_its_page_are(lab, api, client, subtests):
    client.force_login(lab.user)
    for path, (address, add) in lab.lists().items():
        add()
        row = api.get(address).data["results"][0]
        if path.count("/") > 4 or path == "/api/v1/workers/":
            continue  # parts of something else
        with subtests.test(path):
            name = "href" if path == "/api/v1/webhooks/" else "url"
            one = api.get(row[name])
            assert one.status_code == 200
            assert one.data[name] == row[name] == f"http://testserver{address}{row['id']}/"
            assert "created_at" in row or path == "/api/v1/tags/"
            assert client.get(row["page_url"]).status_code == 200


def test_creation_times_filter(api, lab):
    first, last = (lab.a_clip() for _ in range(2))
    last.created_at = last.created_at.replace(year=2020)
    last.save()
    at = "/api/v1/clips/?fields=id"
    assert {"id": last.pk} not in api.get(f"{at}&created_after=2021-01-01").data["results"]
    assert api.get(f"{at}&created_before=2021-01-01T00:00:00Z").data["results"] == [{"id": last.pk}]
    assert api.get(f"{at}&created_after=yesterday").status_code == 400
    assert first.pk != last.pk


def test_rows_that_are_added_shift_nothing_on_pages_from_a_cursor(api, lab):
    for _ in range(5):
        lab.a_run()
    page = api.get("/api/v1/runs/?cursor=&page_size=3&fields=id").data
    ids = [row["id"] for row in page["results"]]
    lab.a_run()
    following = api.get(page["next"]).data
    assert page["count"] is None
    assert [row["id"] for row in following["results"]] == [ids[-1] - 1, ids[-1] - 2, ids[-1] - 3]
    before = api.get(following["previous"]).data
    assert [row["id"] for row in before["results"]] == ids
    newer = api.get(before["previous"]).data
    assert len(newer["results"]) == 1
    assert newer["previous"] is None


def test_a_search_finds_rows_that_contain_all_words(api, lab):
    clip = lab.a_clip()
    clip.name = "Anna smiles"
    clip.save()
    found = api.get("/api/v1/clips/?search=smil+sub01&fields=name").data
    assert found["results"] == [{"name": "Anna smiles"}]
    assert api.get("/api/v1/clips/?search=anna+sub02").data["count"] == 0


def test_an_earlier_name_of_a_filter_still_works_and_is_marked(api, lab):
    lab.a_clip()
    new = api.get(f"/api/v1/clips/?database={lab.database.pk}")
    old = api.get(f"/api/v1/clips/?subject__database={lab.database.pk}")
    assert old.data == new.data
    assert old["Deprecation"] == "@1796083200"
    assert 'rel="deprecation"' in old["Link"]
    assert "Deprecation" not in new
    assert parameters("/api/v1/clips/")["subject__database"]["deprecated"] is True
