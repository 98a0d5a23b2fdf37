"""The OpenAPI description of the API: how an operation is described, and what a view or a mixin adds to it.

- ``operations``: the class that describes one operation; ``described``: what a view may add to its description
- ``problems``: the errors that operations answer with
- ``files``: answers that are files; ``typed``: types of Python as components
- ``areas``: the tags; ``examples``: an example for each body; ``hooks``: what is done to the whole document
"""

from mer_platform.rest.schema.described import Described
from mer_platform.rest.schema.files import file_answer
from mer_platform.rest.schema.problems import ProblemSerializer
from mer_platform.rest.schema.typed import TypedField, typed

__all__ = ["Described", "ProblemSerializer", "TypedField", "file_answer", "typed"]
