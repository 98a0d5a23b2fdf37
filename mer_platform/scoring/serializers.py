"""Scoring batches and their items as the API shows them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from mer_platform.rest.links import Link, page_link
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.scoring.models import ScoringBatch, ScoringItem

FORMATS = ("ndjson", "csv", "parquet")


class ScoringProgressSerializer(ApiSerializer):
    total = serializers.IntegerField(help_text="All items.")
    waiting = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


class ScoringResultsSerializer(ApiSerializer):
    """Addresses of all results as files."""

    ndjson = serializers.URLField()
    csv = serializers.URLField()
    parquet = serializers.URLField()


class ScoringBatchSerializer(ApiModelSerializer):
    url = Link("scoringbatch-detail")
    page_url = page_link("batch")
    progress = ScoringProgressSerializer(read_only=True, help_text="Number of items by state.")
    items_url = serializers.SerializerMethodField(help_text="Address of its items, page by page.")
    results = serializers.SerializerMethodField(help_text="Addresses of all results as files.")
    created_by = serializers.CharField(
        source="created_by.username", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = ScoringBatch
        fields = [
            "id", "url", "page_url", "project", "model", "name", "priority", "calibrated", "state", "progress",
            "created_by", "created_at",
            "finished_at", "items_url", "results",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_items_url(self, batch: ScoringBatch) -> str:
        return str(reverse("scoring-items", args=[batch.pk], request=self.context.get("request")))

    @extend_schema_field(ScoringResultsSerializer)
    def get_results(self, batch: ScoringBatch) -> dict[str, str]:
        request = self.context.get("request")
        return {
            kind: str(reverse(f"scoring-results-{kind}", args=[batch.pk], request=request))
            for kind in FORMATS
        }


class ScoringWarningSerializer(ApiSerializer):
    """Something unusual about a clip."""

    code = serializers.CharField(
        help_text="`fps_out_of_range`, `face_size_out_of_range`, `motion_out_of_range`, `short_clip` or "
        "`several_expressions`."
    )
    detail = serializers.CharField()


class ScoringTimingsSerializer(ApiSerializer):
    """Milliseconds of each step; a step of several clips at once is divided among them."""

    decode = serializers.FloatField(
        required=False, help_text="Reading and aligning the frames, and spotting."
    )
    features = serializers.FloatField(
        required=False, help_text="Optical flow; missing if it was stored already."
    )
    network = serializers.FloatField(required=False)


class ScoringErrorSerializer(ApiSerializer):
    code = serializers.CharField(
        help_text="The kind of problem, for programs; see the documentation of scoring."
    )
    detail = serializers.CharField(help_text="What is wrong, and what to do.")


class ScoringItemSerializer(ApiModelSerializer):
    """The result of one clip. ``blind``: whether this user may not see the marks of others that it used."""

    clip_name = serializers.CharField(source="title", read_only=True)
    model = serializers.IntegerField(source="batch.model_id", read_only=True)
    calibrated = serializers.BooleanField(
        source="batch.calibrated", read_only=True, help_text="Whether a temperature was applied."
    )
    outcome = serializers.ChoiceField(
        ScoringItem.Outcome.choices,
        read_only=True,
        allow_null=True,
        help_text="`no_expression`: the spotter is less confident than the model's limit, so that the probabilities say "
        "little.",
    )
    predicted = serializers.CharField(read_only=True, allow_null=True, help_text="The most probable class.")
    probabilities = serializers.DictField(child=serializers.FloatField(), read_only=True, allow_null=True)
    frames_from = serializers.ChoiceField(
        ScoringItem.FramesFrom.choices,
        read_only=True,
        allow_null=True,
        help_text="Where onset and apex are from. Those of coders are null for members who may not see them.",
    )
    waits_for = serializers.ChoiceField(
        ScoringItem.WaitsFor.choices,
        read_only=True,
        allow_null=True,
        help_text="What a waiting item waits for.",
    )
    warnings = ScoringWarningSerializer(many=True, read_only=True)
    timings = ScoringTimingsSerializer(read_only=True, allow_null=True)
    error = serializers.SerializerMethodField()

    class Meta:
        model = ScoringItem
        fields = [
            "id", "clip", "clip_name", "state", "waits_for", "outcome", "predicted", "probabilities", "calibrated",
            "confidence", "margin", "entropy", "member_disagreement", "onset", "apex", "frames_from",
            "spotter_confidence", "in_training", "warnings", "model", "timings", "error", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ScoringErrorSerializer(allow_null=True))
    def get_error(self, item: ScoringItem) -> dict[str, str] | None:
        return {"code": item.error_code, "detail": item.error} if item.error else None

    def to_representation(self, item: ScoringItem) -> dict[str, Any]:
        data = super().to_representation(item)
        for name in data.keys() & {"outcome", "predicted", "frames_from", "waits_for"}:
            data[name] = data[name] or None
        if self.context["blindness"].hides(item):
            data |= dict.fromkeys(data.keys() & {"onset", "apex"})
        if self.context["blindness"].hides_result(item):
            data |= {
                name: [] if name == "warnings" else None for name in data.keys() & set(ScoringItem.BLIND)
            }
        return data
