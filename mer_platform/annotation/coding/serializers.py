from typing import Any

from rest_framework import serializers

from mer_platform.annotation.checks import (
    MAX_NOTE_CHARACTERS,
    check_emotion,
    check_marks,
    check_suggestion,
)
from mer_platform.annotation.marks import MARKS
from mer_platform.annotation.models import Annotation, AnnotationVersion, Consensus, Suggestion
from mer_platform.annotation.shapes import AnnotationContent, SuggestedMarks
from mer_platform.clips.models import Clip
from mer_platform.projects.viewsets import own_related
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer
from models_ml.formats.action_units import canonical


class AnnotationSerializer(ApiModelSerializer):
    clip = own_related(Clip.objects.all(), "project")()
    coder = serializers.CharField(source="coder.username", read_only=True)
    complete = serializers.BooleanField(
        read_only=True, help_text="Whether onset, apex, offset and emotion are set."
    )
    deleted = serializers.BooleanField(
        read_only=True,
        help_text="True only in the `current` of a 409 and in the list of deleted annotations.",
    )
    created_by = serializers.CharField(source="coder.username", read_only=True, help_text="The coder.")
    url = Link("annotation-detail", pk="pk")
    page_url = page_link("clip", slug="clip.project.slug", pk="clip_id")

    suggestion = TypedField(
        SuggestedMarks,
        required=False,
        allow_null=True,
        help_text="What the spotter suggested, if it was made from a suggestion.",
    )

    class Meta:
        model = Annotation
        fields = [
            "id", "key", "clip", "coder", "onset", "apex", "offset", "kind", "emotion", "action_units", "confidence",
            "note", "origin", "suggestion", "revision", "complete", "deleted", "created_by", "created_at", "updated_at",
            "url", "page_url",
        ]  # fmt: skip
        read_only_fields = ["revision"]
        # A key that exists already is handled by the view: see ``AnnotationViewSet.perform_create``.
        extra_kwargs = {"note": {"max_length": MAX_NOTE_CHARACTERS}, "key": {"validators": []}}
        validators: list[
            Any
        ] = []  # ``validate`` checks the order of marks, with a message that names the frames

    def validate_action_units(self, text: str) -> str:
        try:
            return canonical(text)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def validate_suggestion(self, value: Any) -> Any:
        if message := check_suggestion(value):
            field: Any = self.fields["suggestion"]
            raise serializers.ValidationError(field.type_errors(value) or message)
        return value

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        old = self.instance
        if isinstance(old, Annotation) and fields.pop("key", old.key) != old.key:
            raise serializers.ValidationError({"key": ["Cannot change the key of an annotation."]})
        clip = old.clip if isinstance(old, Annotation) else fields["clip"]
        if clip.state != Clip.State.READY:
            raise serializers.ValidationError(
                {"clip": [f"Cannot annotate this clip: its state is {clip.state}."]}
            )
        if isinstance(old, Annotation) and fields.get("clip", clip) != clip:
            raise serializers.ValidationError({"clip": ["Cannot move an annotation to another clip."]})
        onset, apex, offset = (fields.get(name, getattr(old, name, None)) for name in MARKS)
        if errors := check_marks(clip, onset, apex, offset):
            raise serializers.ValidationError(errors)
        emotion = fields.get("emotion", "")
        if emotion and (message := check_emotion(clip, emotion)):
            raise serializers.ValidationError({"emotion": [message]})
        return fields


class VersionSerializer(ApiModelSerializer):
    made_by = serializers.CharField(source="made_by.username", default=None, read_only=True, allow_null=True)
    content = TypedField(AnnotationContent, read_only=True)

    class Meta:
        model = AnnotationVersion
        fields = ["revision", "content", "made_by", "made_at", "client"]


class ConsensusSerializer(ApiModelSerializer):
    created_by = creator("decided_by")
    created_at = serializers.DateTimeField(source="decided_at", read_only=True)
    url = Link("consensus-detail", pk="pk")
    page_url = page_link("clip", slug="clip.project.slug", pk="clip_id")

    class Meta:
        model = Consensus
        fields = [
            "id", "clip", "onset", "apex", "offset", "kind", "emotion", "action_units", "origin", "annotation",
            "decided_at", "created_by", "created_at", "url", "page_url",
        ]  # fmt: skip


class SuggestionSerializer(ApiModelSerializer):
    class Meta:
        model = Suggestion
        fields = ["id", "onset", "apex", "offset", "confidence", "spotter"]
