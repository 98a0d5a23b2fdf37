"""Prepare docstrings for the reference: what reads well in the code is not always what the parser expects."""

import re
from typing import Any

import griffe

# A doctest: from its first prompt to the next blank line. Markdown would take ``>>>`` for a quotation.
DOCTEST = re.compile(r"^([ ]*)>>> .*?(?=\n[ ]*\n|\Z)", re.MULTILINE | re.DOTALL)
# Parameters that share a description, "a, b: two images": the parser knows one name per description.
SHARED = re.compile(r"^([ ]+)(\w+(?:, \w+)+)(: .+(?:\n\1[ ]+.+)*)", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrite docstrings before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Fence doctests, and describe each parameter by itself."""
        if obj.docstring:
            text = DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", obj.docstring.value)
            obj.docstring.value = SHARED.sub(_one_each, text)


def _one_each(shared: re.Match[str]) -> str:
    indent, names, description = shared.groups()
    return "\n".join(f"{indent}{name}{description}" for name in names.split(", "))
