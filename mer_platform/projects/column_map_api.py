"""The columns of a sheet in the API."""

from rest_framework import serializers


class SheetColumnSerializer(serializers.Serializer):
    reference = serializers.CharField(help_text="How a column map names it in `columns`.")
    letter = serializers.CharField()
    name = serializers.CharField(help_text="Its name in the header row; empty if it has none.")
    samples = serializers.ListField(child=serializers.CharField(), help_text="Some of its values.")
    guess = serializers.CharField(help_text="The key that it may hold; empty if nothing is known.")


class WorksheetColumnsSerializer(serializers.Serializer):
    title = serializers.CharField(help_text="Title of the worksheet; empty for a text file.")
    number = serializers.IntegerField(help_text="Number of the row that was taken for the header.")
    header = serializers.ListField(
        child=serializers.CharField(), help_text="The header row, as a column map keeps it."
    )
    columns = SheetColumnSerializer(many=True)
    rows = serializers.IntegerField(help_text="Number of rows below the header.")
