"""The columns of a sheet in the API."""

from typing import Annotated, Any, Literal, NotRequired

from django.core.exceptions import ValidationError
from pydantic import Field
from rest_framework import serializers
from typing_extensions import TypedDict

from mer_platform.projects.column_maps import parse_map
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiSerializer
from models_ml.errors import InputError
from models_ml.formats.base import Sheet
from models_ml.formats.mapping import ColumnMap, Counting
from models_ml.formats.sheet_columns import sheet_columns


def map_of(document: Any) -> ColumnMap | None:
    """Return the map of a field of a request; raises serializers.ValidationError with what is wrong."""
    try:
        return parse_map(document) if document is not None else None
    except ValidationError as error:
        places = TypedField(SheetColumnMap).type_errors(document)  # which the sentence does not say
        raise serializers.ValidationError({**places, "non_field_errors": error.messages}) from error


def known_columns(sheet: Sheet) -> Any:
    """Return the columns of a sheet for the answer to a request, none if it cannot be read."""
    try:
        return WorksheetColumnsSerializer(sheet_columns(sheet), many=True).data
    except InputError:
        return []


class SheetColumnMap(TypedDict):
    """Which column of a sheet holds what."""

    schema: NotRequired[Literal["mer-column-map"]]
    schema_version: NotRequired[int]
    columns: Annotated[
        dict[str, str],
        Field(description="By key, the name of the column, or “column D” if it has no name."),
    ]
    fixed: NotRequired[Annotated[dict[str, str], Field(description="By key, a text for all rows.")]]
    words: NotRequired[
        Annotated[dict[str, dict[str, str]], Field(description="By key, what a cell says and what it means.")]
    ]
    frames: NotRequired[Annotated[Counting, Field(description="How frames are counted.")]]
    none: NotRequired[Annotated[list[str], Field(description="What stands for a frame that does not exist.")]]
    worksheet: NotRequired[str]
    header: NotRequired[Annotated[list[str], Field(description="The header row of the sheet.")]]


class SheetColumnSerializer(ApiSerializer):
    reference = serializers.CharField(help_text="How a column map names it in `columns`.")
    letter = serializers.CharField()
    name = serializers.CharField(help_text="Its name in the header row; empty if it has none.")
    samples = serializers.ListField(child=serializers.CharField(), help_text="Some of its values.")
    guess = serializers.CharField(help_text="The key that it may hold; empty if nothing is known.")


class WorksheetColumnsSerializer(ApiSerializer):
    title = serializers.CharField(help_text="Title of the worksheet; empty for a text file.")
    number = serializers.IntegerField(help_text="Number of the row that was taken for the header.")
    header = serializers.ListField(
        child=serializers.CharField(), help_text="The header row, as a column map keeps it."
    )
    columns = SheetColumnSerializer(many=True)
    rows = serializers.IntegerField(help_text="Number of rows below the header.")
