"""Prepare docstrings for the reference."""

import re
from typing import Any

import griffe

# A doctest: from its first prompt to the next blank line. Markdown would take ``>>>`` for a quotation.
DOCTEST = re.compile(r"^([ ]*)>>> .*?(?=\n[ ]*\n|\Z)", re.MULTILINE | re.DOTALL)


class Docstrings(griffe.Extension):
    """Rewrite docstrings before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Put each doctest into a fenced block, unless it has a section of its own."""
        if obj.docstring and "Examples\n--------" not in obj.docstring.value:
            obj.docstring.value = DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", obj.docstring.value)
