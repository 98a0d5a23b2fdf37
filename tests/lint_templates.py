"""Find lines of templates that are too long to read: ``python -m tests.lint_templates [files and folders]``."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.lint_words import ROOT, files

MAX_LENGTH = 120


def long_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield number and length of the lines with more than ``MAX_LENGTH`` characters."""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > MAX_LENGTH:
            yield number, len(line)


def main(paths: list[str]) -> int:
    failed = False
    for path in files(paths or ["frontend/templates"]):
        if Path(path).suffix == ".html":
            for number, length in long_lines((ROOT / path).read_text()):
                failed = True
                print(f"{path}:{number}: {length} characters: break the line after {MAX_LENGTH} at most")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
