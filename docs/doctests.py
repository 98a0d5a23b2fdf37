"""Show the doctests of docstrings as code: Markdown takes ``>>>`` for a quotation."""

import re
from typing import Any

import griffe

# A doctest: from its first prompt to the next blank line.
DOCTEST = re.compile(r"^([ ]*)>>> .*?(?=\n[ ]*\n|\Z)", re.MULTILINE | re.DOTALL)


class Doctests(griffe.Extension):
    """Put each doctest into a fenced block."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring before it is parsed."""
        if obj.docstring and ">>>" in obj.docstring.value:
            fenced = r"\1```pycon\n\g<0>\n\1```"
            obj.docstring.value = DOCTEST.sub(fenced, obj.docstring.value)
