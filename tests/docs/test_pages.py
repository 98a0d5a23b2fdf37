"""What the pages name exists: files, anchors, environment variables. What the papers say agrees with the code."""

import re
import tomllib

import pytest
import yaml

from mer_platform import __version__
from mer_platform.projects.models import DEFAULT_DAYS, Role
from mer_platform.rest.scopes import AREAS
from models_ml.registry.description import EXAMPLE
from tests.docs.markdown import ROOT, Part, anchors, links, pages, spans
from tests.docs.openapi import schema

TOP = {path.name for path in ROOT.iterdir()} - {"var", "site"}
PATH = re.compile(r"[\w.-]+(/[\w.*-]+)*/?")
NAME_IN_FILE = re.compile(
    r"`(\w+)` (?:of|in) `([\w/]+\.(?:py|html))`"
)  # "`read` in `models_ml/formats/smic.py`"
WAY = re.compile(r"\*[^*\n]+\*(?: → \*[^*\n]+\*)+")  # *Runs* → *New run*
VARIABLE = re.compile(r"\bMER_[A-Z_]+\b")
SOURCES = ("*.py", "*.yml", "Makefile", "Dockerfile", ".ci/run")
RELEASE = re.compile(r"^## \[(\d+\.\d+\.\d+)\] – (\d{4}-\d\d-\d\d)$", re.MULTILINE)


def named_files() -> list[Part]:
    """Return the code spans that look like a path from the repository's root."""
    return [
        span
        for span in spans()
        if PATH.fullmatch(span.text) and "/" in span.text and span.text.split("/")[0] in TOP
    ]


@pytest.mark.parametrize("span", named_files(), ids=str)
def test_a_file_that_a_page_names_exists(span: Part) -> None:
    assert any(ROOT.glob(span.text.rstrip("/"))), f"there is no {span.text}"


@pytest.mark.parametrize("page", list(pages()))
def test_a_name_that_a_page_finds_in_a_file_is_there(page: str) -> None:
    for name, path in NAME_IN_FILE.findall(" ".join(pages()[page].split())):
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text("utf-8")), f"there is no {name} in {path}"


def test_the_buttons_and_pages_that_a_way_names_exist() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "frontend" / "templates").rglob("*.html")]
    shown = " ".join(" ".join(re.sub(r"{%.*?%}", " ", text) for text in texts).split())
    for page, text in pages().items():
        for step in (step for way in WAY.findall(text) for step in re.findall(r"\*([^*]+)\*", way)):
            assert step.strip("…") in shown, f"{page} sends readers to *{step}*, which no page shows"


@pytest.mark.parametrize("link", [link for link in links() if "://" not in link.text], ids=str)
def test_a_link_leads_somewhere(link: Part) -> None:
    page = link.place.rpartition(":")[0]
    path, _, anchor = link.text.partition("#")
    target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    assert target.exists(), f"there is no {link.text}"
    if anchor:
        assert anchor in anchors(str(target.relative_to(ROOT))), f"{target.name} has no heading #{anchor}"


def test_the_layers_are_those_that_lint_checks() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (contract,) = [contract for contract in config["contracts"] if contract["type"] == "layers"]
    lines = "\n".join("   ".join(layer.split(" | ")) for layer in contract["layers"])
    assert f"```text\n{lines}\n```" in pages()["docs/architecture.md"]


def test_the_environment_variables_exist() -> None:
    code = "".join(path.read_text("utf-8") for path in source_files())
    for page, text in pages().items():
        missing = set(VARIABLE.findall(text)) - set(VARIABLE.findall(code))
        assert not missing, f"{page} names variables that nothing reads: {missing}"


def source_files():
    for folder in ("", "mer_platform", "workers", "models_ml", "tests"):
        for pattern in SOURCES:
            yield from (ROOT / folder).glob(pattern if not folder else f"**/{pattern}")


def test_the_citation_names_the_latest_release() -> None:
    version, date = RELEASE.findall(pages()["CHANGELOG.md"])[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert (citation["version"], str(citation["date-released"])) == (version, date)
    assert citation["license"] == "Apache-2.0"
    assert citation["references"][0]["doi"] == "10.14569/IJACSA.2021.0121274"


def test_the_version_has_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__ == schema()["info"]["version"]
    release, _, development = __version__.partition(".dev")
    latest = RELEASE.findall(pages()["CHANGELOG.md"])[0][0]
    assert release == latest or (development and release > latest), "the changelog does not fit the version"


def test_each_changelog_section_is_one_of_the_usual() -> None:
    titles = set(re.findall(r"^### (.+)$", pages()["CHANGELOG.md"], re.MULTILINE))
    assert titles <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_page_of_tokens_lists_the_scopes_and_the_expiry_of_the_code() -> None:
    page = (ROOT / "docs" / "tokens.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+):read`, `\1:write` \| (.+) \|$", page, re.MULTILINE))
    assert rows == AREAS
    assert f"expires after {DEFAULT_DAYS} days" in page
    assert "*viewer*, *annotator*, *researcher* or *owner*" in page
    assert set(Role.values) == {"viewer", "annotator", "researcher", "owner"}


def test_the_example_for_onnx_runtime_is_printed_as_it_is_tested() -> None:
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    [printed] = re.findall(r"```text\n(session = .+?)```", page, re.DOTALL)
    assert len(printed.splitlines()) == 5
    assert EXAMPLE.endswith(printed)
