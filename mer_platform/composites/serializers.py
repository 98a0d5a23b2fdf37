from functools import cached_property
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mer_platform.composites.blindness import hidden_clips, visible_counts_of
from mer_platform.composites.diff import Diff
from mer_platform.composites.models import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    Composite,
    CompositeVersion,
    Sample,
)
from mer_platform.composites.shapes import ClassOfEmotion, ListCheck, StoredRules, VersionCounts
from mer_platform.projects.viewsets import own_related
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.together import rows_of


def version_field() -> Any:
    """Return the field of a request that names a composite version of the user's projects."""
    versions = CompositeVersion.objects.select_related("composite__project")
    return own_related(versions, "composite__project")(help_text="Id of a composite version.")


class SampleSerializer(ApiModelSerializer):
    def get_fields(self) -> dict[str, serializers.Field]:
        """Return the fields; those that show the coding are null for someone who still has to code the clip."""
        fields = super().get_fields()
        for name in ("onset", "apex", "offset", "emotion", "label"):
            fields[name].allow_null = True
        return fields

    class Meta:
        model = Sample
        fields = [
            "index",
            "clip",
            "picture",
            "content_sha256",
            "database",
            "subject",
            "name",
            "onset",
            "apex",
            "offset",
            "apex_from",
            "emotion",
            "label",
            "withdrawn_at",
        ]

    def to_representation(self, sample: Sample) -> dict[str, Any]:
        data = super().to_representation(sample)
        if sample.clip_id in self.context.get("blind", ()):  # the user still has to code this clip
            data |= dict.fromkeys(data.keys() & {"onset", "apex", "offset", "emotion", "label"})
        return data


class CompositeSerializer(ApiModelSerializer):
    """A composite: the name and the description that its versions share."""

    url = Link("composite-detail", pk="pk")
    page_url = page_link("composites", slug="project.slug")
    versions = serializers.IntegerField(
        source="version_count", read_only=True, help_text="How many versions it has now."
    )
    last_number = serializers.IntegerField(
        read_only=True, help_text="Number of the newest version that was ever frozen; it is never used again."
    )

    class Meta:
        model = Composite
        fields = [
            "id", "url", "page_url", "project", "name", "description", "versions", "last_number", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class ChangeCompositeSerializer(ApiSerializer):
    """What can be changed of a composite. Its versions keep their numbers and hashes."""

    name = serializers.CharField(required=False, max_length=LONGEST_NAME)
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_DESCRIPTION, help_text="What it is for."
    )


class CompositeVersionSerializer(ApiModelSerializer):
    name = serializers.CharField(source="composite.name", read_only=True)
    project = serializers.IntegerField(source="composite.project_id", read_only=True)
    label_map = TypedField(ClassOfEmotion, read_only=True)
    rules = TypedField(StoredRules, read_only=True, help_text="The rules that differ from the defaults.")
    counts = serializers.SerializerMethodField(
        help_text="Samples and subjects in total, by class and by database, without the clips in `not_counted`."
    )
    not_counted = serializers.SerializerMethodField(
        help_text="Clips of your queue that are left out of the counts until you have coded them."
    )

    @extend_schema_field(TypedField(VersionCounts))
    def get_counts(self, version: CompositeVersion) -> dict[str, Any]:
        return self._counts[version.pk]

    def get_not_counted(self, version: CompositeVersion) -> int:
        return self._hidden.get(version.pk, 0)

    @cached_property
    def _counts(self) -> dict[int, dict[str, Any]]:
        return visible_counts_of(self.context["request"].user, [row.pk for row in rows_of(self)])

    @cached_property
    def _hidden(self) -> dict[int, int]:
        return hidden_clips(self.context["request"].user, [row.pk for row in rows_of(self)])

    created_by = creator("frozen_by")
    created_at = serializers.DateTimeField(source="frozen_at", read_only=True)
    url = Link("compositeversion-detail", pk="pk")
    page_url = page_link("version")

    class Meta:
        model = CompositeVersion
        fields = [
            "id",
            "project",
            "composite",
            "name",
            "number",
            "content_hash",
            "preset",
            "label_map",
            "rules",
            "counts",
            "not_counted",
            "withdrawn_samples",
            "frozen_at",
            "created_by",
            "created_at",
            "url",
            "page_url",
        ]


class CaveatSerializer(ApiSerializer):
    code = serializers.CharField()
    message = serializers.CharField()
    samples = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class CheckSerializer(ApiSerializer):
    list_check = TypedField(
        ListCheck,
        allow_null=True,
        help_text="With a preset: how many published samples the version has per database, and which are missing, extra "
        "or have another class.",
    )
    caveats = CaveatSerializer(many=True)


class ChangeSerializer(ApiSerializer):
    before = SampleSerializer()
    after = SampleSerializer()
    fields_changed = serializers.ListField(child=serializers.CharField())


class MapChangeSerializer(ApiSerializer):
    database = serializers.CharField()
    emotion = serializers.CharField()
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class RuleChangeSerializer(ApiSerializer):
    rule = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class DiffSerializer(ApiSerializer):
    before = serializers.IntegerField(help_text="Id of the version compared with.")
    after = serializers.IntegerField(help_text="Id of this version.")
    same = serializers.IntegerField(help_text="Number of samples that are equal in both.")
    added = SampleSerializer(many=True)
    removed = SampleSerializer(many=True)
    changed = ChangeSerializer(many=True)
    label_map = MapChangeSerializer(many=True)
    rules = RuleChangeSerializer(many=True)


class CounterpartSerializer(ApiSerializer):
    database = serializers.CharField()
    subject = serializers.CharField()
    clip = serializers.CharField()
    problem = serializers.CharField(required=False, help_text="Why the sample is missing here.")
    differs = TypedField(
        dict[str, list[int | str | None]], required=False, help_text="{field: [in the document, here]}"
    )


class VersionImportResultSerializer(ApiSerializer):
    status = serializers.ChoiceField(["frozen", "existing", "compared", "incomplete"])
    version = serializers.IntegerField(
        allow_null=True, help_text="Id of the identical version in this project."
    )
    content_hash = serializers.CharField()
    there = serializers.IntegerField(
        help_text="Number of samples that are in the project with the same marks and names."
    )
    other = CounterpartSerializer(
        many=True, help_text="Samples that are in the project with other marks or names."
    )
    lacking = CounterpartSerializer(many=True, help_text="Samples that are missing from the project.")


def diff_json(before: CompositeVersion, after: CompositeVersion, found: Diff) -> dict[str, Any]:
    """Return a diff as the API gives it; see ``DiffSerializer``."""
    return {
        "before": before.pk,
        "after": after.pk,
        "same": found.same,
        "added": SampleSerializer(found.added, many=True).data,
        "removed": SampleSerializer(found.removed, many=True).data,
        "changed": [
            {
                "before": SampleSerializer(change.before).data,
                "after": SampleSerializer(change.after).data,
                "fields_changed": sorted(change.fields),
            }
            for change in found.changed
        ],
        "label_map": [
            dict(zip(("database", "emotion", "before", "after"), row, strict=True)) for row in found.label_map
        ],
        "rules": [dict(zip(("rule", "before", "after"), row, strict=True)) for row in found.rules],
    }
