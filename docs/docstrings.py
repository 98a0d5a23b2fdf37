"""Prepare docstrings for the reference."""

import re
from typing import Any

import griffe

# A doctest: from its first prompt to the next blank line. Markdown would take ``>>>`` for a quotation.
DOCTEST = re.compile(r"^([ ]*)>>> .*?(?=\n[ ]*\n|\Z)", re.MULTILINE | re.DOTALL)

# Parameters that share a description: the parser would give all of them the type of the first.
SHARED = re.compile(r"^([ ]*)(\w+(?:, \w+)+)\n((?:\1[ ]{4,}.+(?:\n|\Z))+)", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrite docstrings before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Describe each parameter by itself, and put each doctest into a fenced block unless it has its own section."""
        if obj.docstring:
            text = SHARED.sub(_one_each, obj.docstring.value)
            if "Examples\n--------" not in text:
                text = DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", text)
            obj.docstring.value = text


def _one_each(shared: re.Match[str]) -> str:
    indent, names, block = shared.groups()
    return "".join(f"{indent}{name}\n{block.rstrip()}\n" for name in names.split(", "))
