"""The fields of the API that researchers note on runs and experiments, to be read and to be changed."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mer_platform.experiments.managing.actions import ACTIONS
from mer_platform.experiments.managing.choosing import MOST_AT_ONCE
from mer_platform.experiments.managing.texts import (
    LONGEST_NAME,
    LONGEST_NOTE,
    MOST_TAGS,
    clean_name,
    clean_note,
    clean_tags,
    note_version,
)
from mer_platform.experiments.models import Managed, Tag
from mer_platform.rest.links import creator
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer

MANAGED_FIELDS = [
    "notes", "notes_version", "tags", "starred", "archived", "archived_at", "created_by", "url", "page_url",
]  # fmt: skip


class TextField(serializers.CharField):
    """A text, and nothing that could be read as one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class YesNoField(serializers.BooleanField):
    """True or false; a form sends them as words."""

    default_error_messages = {"invalid": "This must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool) and data not in ("true", "false"):
            self.fail("invalid", input=data)
        return data in (True, "true")


class TagNamesField(serializers.ListField):
    """Names of tags; upper and lower case are one tag."""

    child = TextField(max_length=Tag.LONGEST * 4)

    def to_internal_value(self, data: Any) -> list[str]:
        try:
            return clean_tags(super().to_internal_value(data))
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from error


class ManagedSerializer(ApiModelSerializer):
    """Base of the serializers of runs and experiments: ``MANAGED_FIELDS``, to be read."""

    notes_version = serializers.SerializerMethodField(
        help_text="Of the note, to be sent with a change of it; empty without a note."
    )
    tags = serializers.SerializerMethodField(help_text="Names of its tags.")
    archived = serializers.SerializerMethodField(help_text="Whether lists leave it out.")
    created_by = creator()

    def get_notes_version(self, row: Managed) -> str:
        return note_version(row.notes)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_tags(self, row: Managed) -> list[str]:
        return [tag.name for tag in row.tags.all()]  # prefetched by the viewsets

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_archived(self, row: Managed) -> bool:
        return row.archived_at is not None


class ChangesSerializer(ApiSerializer):
    """What can be changed of a run or an experiment. What is left out stays as it is."""

    name = TextField(
        required=False, max_length=4 * LONGEST_NAME, help_text=f"At most {LONGEST_NAME} characters."
    )
    notes = TextField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=4 * LONGEST_NOTE,
        help_text=f"Plain text of at most {LONGEST_NOTE:,} characters; it keeps its line breaks.",
    )
    notes_version = TextField(
        required=False,
        allow_blank=True,
        help_text="Of the note that the new one replaces, as you last read it. Needed if there is a note.",
    )
    tags = TagNamesField(
        required=False, help_text=f"All its tags, at most {MOST_TAGS}. New ones are created in the project."
    )
    starred = YesNoField(required=False)
    archived = YesNoField(required=False, help_text="Lists leave out what is archived. Nothing is deleted.")

    def validate_name(self, name: str) -> str:
        return clean_name(name)

    def validate_notes(self, notes: str) -> str:
        return clean_note(notes)


class IdsSerializer(ApiSerializer):
    """Several runs, or several experiments, of one project."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        allow_empty=False,
        max_length=MOST_AT_ONCE,
        help_text=f"At most {MOST_AT_ONCE:,}.",
    )


class BulkSerializer(IdsSerializer):
    """An action on them."""

    action = serializers.ChoiceField(list(ACTIONS))
    tags = TagNamesField(required=False, help_text="For tag and untag.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        needs = data["action"] in ("tag", "untag")
        if needs and not data.get("tags"):
            raise serializers.ValidationError({"tags": f"Give at least one tag for {data['action']}."})
        if not needs and "tags" in data:
            raise serializers.ValidationError({"tags": "Tags are only for tag and untag."})
        return data


class SkippedSerializer(ApiSerializer):
    id = serializers.IntegerField()
    reason = serializers.CharField()


class BulkResultSerializer(ApiSerializer):
    changed = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of what was changed.")
    skipped = SkippedSerializer(many=True, help_text="What was left as it is, and why.")
