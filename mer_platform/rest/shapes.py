"""Shapes of JSON that several areas of the API share, to describe fields with ``TypedField``."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

Interval = Annotated[list[float], Field(min_length=2, max_length=2, description="Its lower and upper end.")]
Confusion = Annotated[
    list[list[int]],
    Field(description="True classes as rows, predicted classes as columns, in the order of classes."),
]


class JobProgress(TypedDict):
    """How far a job is."""

    state: str
    done: Annotated[int, Field(description="Finished parts.")]
    total: Annotated[int, Field(description="Parts in all; 0 until work starts.")]
