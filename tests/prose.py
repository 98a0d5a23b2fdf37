"""What people read in a file: its texts, its comments and its names. Code between them, also in backquotes, is left out."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

BARRIER = "\0"  # stands for what is not text: no phrase reaches across it
Match = re.Match[str]


@dataclass
class Prose:
    """A file's texts in place: both strings are as long as the file, with barriers for all else, so that offsets stay.

    ``shown`` holds what users see, ``remarks`` comments and docstrings; ``names`` the defined names with their lines.
    """

    source: str
    shown: str = ""
    remarks: str = ""
    names: list[tuple[int, str]] = field(default_factory=list)

    def line(self, offset: int) -> int:
        return self.source.count("\n", 0, offset) + 1


def read(path: str, source: str) -> Prose:
    """Separate a file's text from its code, by the kind of the file. Raises SyntaxError for Python that is none."""
    kind = READERS.get(Path(path).suffix)
    if kind is None:
        return Prose(source, _without_code(source), barriers(source))
    return kind(source)


def barriers(text: str) -> str:
    return re.sub(r"[^\n]", BARRIER, text)


class _Sheet:
    """Two transparencies over a file, onto which its texts are copied where they stand."""

    def __init__(self, source: str) -> None:
        self._layers = [list(barriers(source)) for _ in range(2)]

    def copy(self, start: int, text: str, *, remark: bool) -> None:
        self._layers[remark][start : start + len(text)] = text

    def join(self, start: int, end: int, *, remark: bool) -> None:
        """Make the gap between two pieces of one text blank."""
        self.copy(start, " " * (end - start), remark=remark)

    def prose(self, source: str, names: list[tuple[int, str]]) -> Prose:
        shown, remarks = ("".join(layer) for layer in self._layers)
        return Prose(source, _without_code(shown), _without_code(remarks), names)


def _without_code(text: str) -> str:
    return re.sub(r"``?[^`\0]+``?", lambda found: barriers(found[0]), text)


def _is_sentence(text: str) -> bool:
    """Whether a string is text: a single word in lower case is a key."""
    return " " in text.strip() or text[:1].isupper()


def _python(source: str) -> Prose:
    sheet, docstrings = _Sheet(source), _docstring_lines(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    previous: tuple[int, int] | None = (
        None  # the type of the piece before, if it touches this one, and its end
    )
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (tokenize.STRING, tokenize.COMMENT):
            if token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
                previous = None
            continue
        comment = token.type == tokenize.COMMENT
        opening, text = _comment_text(token.string) if comment else _string_text(token.string)
        remark = comment or token.start[0] in docstrings
        start = starts[token.start[0] - 1] + token.start[1] + opening
        if previous and previous[0] == token.type:
            sheet.join(previous[1], start, remark=remark)
        if comment or _is_sentence(text):
            sheet.copy(start, text, remark=remark)
        previous = token.type, start + len(text)
    return sheet.prose(source, _python_names(source))


def _comment_text(comment: str) -> tuple[int, str]:
    """The length of a comment's opening, and the rest without remarks to tools."""
    text = re.sub(
        r"(^|# )(noqa|type:|fmt:|mypy:)[^#]*", lambda found: barriers(found[0]), comment.lstrip("# ")
    )
    return len(comment) - len(text), text


def _string_text(literal: str) -> tuple[int, str]:
    """The length of a string literal's opening, and what stands between its quotes, an f-string's fields as barriers."""
    opening = re.match(r"(?i)([rbuf]*)('''|\"\"\"|'|\")", literal)
    assert opening, literal
    text = literal[opening.end() : len(literal) - len(opening[2])]
    if "f" in opening[1].lower():
        text = re.sub(r"(?<!{){(?!{)[^{}]*(?:{[^{}]*}[^{}]*)*}", lambda found: barriers(found[0]), text)
    return opening.end(), re.sub(r"\\[nt]", "  ", text)


def _docstring_lines(source: str) -> set[int]:
    return {
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _python_names(source: str) -> list[tuple[int, str]]:
    names: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                names.append((node.lineno, node.name))
            case ast.arg():
                names.append((node.lineno, node.arg))
            case ast.Name(ctx=ast.Store()):
                names.append((node.lineno, node.id))
            case ast.Attribute(ctx=ast.Store()):
                names.append((node.lineno, node.attr))
    return sorted(names)


SCRIPT_TEXT = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)",
    re.DOTALL,
)


def _script(source: str) -> Prose:
    """JavaScript or CSS: comments, strings and template literals."""
    sheet = _Sheet(source)
    end = 0  # of the comment before
    for found in SCRIPT_TEXT.finditer(source):
        if found["comment"]:
            text = re.sub(r"(?m)^\s*(//+|/\*+|\*(?!/))|\*/$", lambda opening: " " * len(opening[0]), found[0])
            text = re.sub(r"@\w+(\s+{[^}]*})?", lambda tag: barriers(tag[0]), text)
            if end and not source[end : found.start()].strip():
                sheet.join(end, found.start(), remark=True)
            sheet.copy(found.start(), text, remark=True)
            end = found.end()
        else:
            text = re.sub(r"\${[^}]*}|<[^>]*>", lambda code: barriers(code[0]), found[0][1:-1])
            if _is_sentence(text):
                sheet.copy(found.start() + 1, text, remark=False)
    code = SCRIPT_TEXT.sub(lambda found: barriers(found[0]), source)
    names = [
        (code.count("\n", 0, found.start()) + 1, found[0]) for found in re.finditer(r"\b[A-Za-z_]\w*", code)
    ]
    return sheet.prose(source, names)


def _style_sheet(source: str) -> Prose:
    return Prose(source, barriers(source), _script(source).remarks)


def _template(source: str) -> Prose:
    code = re.compile(
        r"{%-?\s*(url|load|static|extends|if|elif|for|endfor|block|endblock)\b[^%]*%}"
        r"|{{[^}]*}}|\b(id|class|name|href|for)=\"[^\"]*\""
    )
    return Prose(source, code.sub(lambda found: barriers(found[0]), source), barriers(source))


def _markdown(source: str) -> Prose:
    text = re.sub(r"(?ms)^```.*?^```", lambda found: barriers(found[0]), source)
    return Prose(source, _without_code(text), barriers(source))


def _notebook(source: str) -> Prose:
    """The lines of its texts where they stand in the JSON."""
    texts = {
        json.dumps(line, ensure_ascii=escaped)
        for cell in json.loads(source)["cells"]
        if cell["cell_type"] == "markdown"
        for line in cell["source"]
        for escaped in (True, False)
    }
    lines = source.splitlines(keepends=True)
    text = "".join(line if line.strip().rstrip(",") in texts else barriers(line) for line in lines)
    return Prose(source, _without_code(text), barriers(source))


READERS: dict[str, Callable[[str], Prose]] = {
    ".py": _python,
    ".js": _script,
    ".mjs": _script,
    ".css": _style_sheet,
    ".html": _template,
    ".md": _markdown,
    ".ipynb": _notebook,
}
