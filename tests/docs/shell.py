"""Shell blocks as commands, and API calls as requests."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from tests.docs.markdown import Part

ASSIGNMENT = re.compile(r"^[A-Z_]+=")
STATUS = re.compile(r"#.*?\b([2-5]\d\d)\b")
WITH_VALUE = {"-H", "--header", "-o", "--output"}


@dataclass(frozen=True)
class Command:
    """One command: its words, without assignments before it, and the comment behind it."""

    place: str
    words: list[str]
    comment: str = ""

    def __str__(self) -> str:
        return f"{self.place} {self.words[0]}"


@dataclass(frozen=True)
class Request:
    """What an API call sends. ``form`` and ``data`` are None if the call sends no such body."""

    method: str
    path: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]] | None = None
    data: object = None
    files: set[str] = field(default_factory=set)
    status: str = ""


def commands(block: Part) -> Iterator[Command]:
    """Yield a block's commands. Function definitions and bare assignments do not count as commands."""
    page, _, line = block.place.rpartition(":")
    for number, text in enumerate(block.text.replace("\\\n", "  ").splitlines()):
        words = shlex.split(text, comments=True)
        while words and ASSIGNMENT.match(words[0]):
            words.pop(0)
        if words and not words[0].endswith("()"):
            yield Command(f"{page}:{int(line) + number}", words, text)


def request(command: Command) -> Request:
    """Read an ``api`` or ``curl`` command. Raises ValueError for an option that no test knows."""
    method, url, data = "", "", None
    form: list[tuple[str, str]] = []
    files: set[str] = set()
    words = iter(command.words[1:])
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "--json":
            data = json.loads(next(words))
        elif word in ("-d", "-F"):
            name, _, value = next(words).partition("=")
            form.append((name, value))
            if value.startswith("@"):
                files.add(name)
        elif word in WITH_VALUE:
            next(words)
        elif word.startswith("-") and word.strip("-sSfL"):
            raise ValueError(f"{command}: the option {word} is not known to the tests")
        elif not word.startswith("-"):
            url = word
    parts = urlsplit(url.replace("$URL", "/api/v1"))
    status = STATUS.search(command.comment)
    sends = data is not None or form
    return Request(
        method or ("POST" if sends else "GET"),
        parts.path,
        parse_qsl(parts.query, keep_blank_values=True),
        form or None,
        data,
        files,
        status[1] if status else "",
    )
