"""Find words that STYLE.md asks to avoid, in everything that people read: texts, comments, docstrings and names.

python -m tests.lint_words                    every file of the repository
python -m tests.lint_words mer_platform/jobs  only these files and folders
python -m tests.lint_words --write            update the table in STYLE.md from tests/word_list.py
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.prose import BARRIER, Prose, read
from tests.word_list import RULES

ROOT = Path(__file__).resolve().parent.parent
STYLE = ROOT / "STYLE.md"
TABLE_HEAD = "| avoid | write |\n|---|---|\n"
KINDS = {".py", ".html", ".js", ".mjs", ".css", ".md", ".ipynb", ".yml", ".yaml", ".toml", ".txt", ".cff", ""}
# These quote the words, or are not ours to change.
EXEMPT = re.compile(
    r"^(STYLE\.md|LICENSE|mer_platform/rest/wording\.py|tests/word_list\.py|tests/unit/test_lint_words\.py)$"
    r"|^tests/upgrades/|/migrations/|/vendor/|package-lock"
)


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    words: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: “{self.words}”: write {self.instead}"


def check(path: str, source: str) -> list[Finding]:
    """Find the words to avoid in one file, by line."""
    prose = read(path, source)
    return sorted(
        set(_in_text(path, prose)) | set(_in_names(path, prose)), key=lambda found: (found.line, found.words)
    )


def _in_text(path: str, prose: Prose) -> Iterator[Finding]:
    for rule in RULES:
        for text in (prose.shown,) if rule.only_shown else (prose.shown, prose.remarks):
            if not rule.in_text.search(_without_gaps(text)):
                continue  # most files: this text is far shorter
            for found in rule.in_text.finditer(text.lower()):
                yield Finding(
                    path,
                    prose.line(found.start()),
                    " ".join(text[slice(*found.span())].split()),
                    rule.instead,
                )


@cache
def _without_gaps(text: str) -> str:
    """Return a text in lower case with each stretch of code as a single barrier."""
    return re.sub(rf"[\s{BARRIER}]*{BARRIER}[\s{BARRIER}]*", BARRIER, text.lower())


def _in_names(path: str, prose: Prose) -> Iterator[Finding]:
    """Each name once, where it stands first."""
    first: dict[str, int] = {}
    for line, name in prose.names:
        first.setdefault(name, line)
    for name, line in first.items():
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        for rule in RULES:
            if rule.in_name and rule.in_name.search(words):
                yield Finding(path, line, name, f"a name with {rule.instead}")


def files(paths: list[str]) -> Iterator[str]:
    """The text files of the repository under these paths, tracked or new; all of them without a path."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in sorted(set(listed.splitlines())):
        if Path(path).suffix in KINDS and not EXEMPT.search(path) and (ROOT / path).is_file():
            yield path


def with_table(style: str) -> str:
    """STYLE.md with the word list as its last part."""
    rows = "".join(f"| {rule.avoid} | {rule.instead} |\n" for rule in RULES)
    return style[: style.index(TABLE_HEAD)] + TABLE_HEAD + rows


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lint_words", description="Find words to avoid.")
    parser.add_argument("paths", nargs="*", help="files and folders; without any, the whole repository")
    parser.add_argument("--write", action="store_true", help="only update the table in STYLE.md")
    options = parser.parse_args(arguments)
    style = STYLE.read_text()
    if options.write:
        STYLE.write_text(with_table(style))
        return 0
    complaints = [
        str(found) for path in files(options.paths) for found in check(path, (ROOT / path).read_text())
    ]
    if style != with_table(style):
        complaints.append("STYLE.md: the word list is out of date. Run: python -m tests.lint_words --write")
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
