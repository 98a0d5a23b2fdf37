"""What is deprecated is marked in the description, and listed in the changelog and the documentation."""

import re
from pathlib import Path

import pytest

from tests.api.api_schema import api_schema, operations
from tests.conforming import resolved

ROOT = Path(__file__).resolve().parent.parent.parent
LISTS = {
    "CHANGELOG.md": r"### Deprecated\n(.*?)\n### ",
    "docs/api.md": r"\nDeprecated at present:(.*?)\n## ",
}
NEW_NAMES = re.compile(r"\(use .*?\)", re.DOTALL)


def marked() -> set[str]:
    parameters = [resolved(each) for _, _, found in operations() for each in found.get("parameters", [])]
    properties = [
        (name, part)
        for component in api_schema()["components"]["schemas"].values()
        for name, part in component.get("properties", {}).items()
    ]
    return {each["name"] for each in parameters if each.get("deprecated")} | {
        name for name, part in properties if part.get("deprecated")
    }


@pytest.mark.parametrize("document", sorted(LISTS))
def test_what_a_document_lists_as_deprecated_is_marked_and_nothing_else(document):
    found = re.search(LISTS[document], (ROOT / document).read_text(), re.DOTALL)
    assert found, f"{document} has no list of what is deprecated"
    assert set(re.findall(r"`(\w+)`", NEW_NAMES.sub("", found[1]))) == marked()


def test_a_deprecated_field_is_marked():
    assert api_schema()["components"]["schemas"]["SavedView"]["properties"]["author"]["deprecated"] is True


def test_answers_to_a_deprecated_parameter_say_so(api):
    assert "Deprecation" in api.get("/api/v1/runs/?author=alice")
    assert "Deprecation" not in api.get("/api/v1/runs/?created_by=alice")
