"""The project's Markdown pages, cut into the parts that tests check."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A code block, a code span or a link: its text and its place, for the message of a failing test."""

    place: str  # "README.md:12"
    text: str
    language: str = ""

    def __str__(self) -> str:
        return self.place


@cache
def pages() -> dict[str, str]:
    """Return the text of each page by its path. Reports to other projects (docs/upstream) are not pages."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in sorted(paths)}


def blocks(*languages: str) -> list[Part]:
    """Return the fenced blocks in these languages."""
    return [
        Part(_place(page, text, match.start(2)), dedent(match[2]), match[1])
        for page, text in pages().items()
        for match in FENCE.finditer(text)
        if match[1] in languages
    ]


def spans() -> list[Part]:
    """Return the code spans outside fenced blocks."""
    return _found(SPAN)


def links() -> list[Part]:
    """Return the targets of links and images outside fenced blocks."""
    return _found(LINK)


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = HEADING.findall(_without_blocks(pages()[page]))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _found(pattern: re.Pattern[str]) -> list[Part]:
    return [
        Part(_place(page, text, match.start()), match[1])
        for page, text in pages().items()
        for match in pattern.finditer(_without_blocks(text))
    ]


def _without_blocks(text: str) -> str:
    """Return the text with its fenced blocks blanked, so that positions stay the same."""
    return FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _place(page: str, text: str, position: int) -> str:
    return f"{page}:{text.count(chr(10), 0, position) + 1}"
