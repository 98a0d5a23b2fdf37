"""Models as the API shows them, and the bodies that change them."""

from functools import cached_property
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mer_platform.experiments.models import Run
from mer_platform.projects.viewsets import own_related
from mer_platform.registry.models import PRODUCTION, ModelEvent, ModelExport, ModelVersion
from mer_platform.registry.scores import Known, scores_of, why_hidden
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer

REASON: dict[str, Any] = {"max_length": 1000, "help_text": "Why, for the history of the model."}


class ModelScoreSerializer(ApiSerializer):
    """Scores of held-out predictions, with 95% intervals over subjects."""

    samples = serializers.IntegerField()
    uf1 = serializers.FloatField()
    uar = serializers.FloatField()
    accuracy = serializers.FloatField()
    intervals_95 = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField(), allow_null=True),
        allow_null=True,
        help_text="[low, high] of uf1, uar and accuracy; null where fewer than two subjects contribute.",
    )


class ModelScoresSerializer(ModelScoreSerializer):
    """The same, and for each database."""

    per_database = serializers.DictField(child=ModelScoreSerializer(), help_text="By name of the database.")


class RangeSerializer(ApiSerializer):
    """Values of the training samples, and the range outside which a new value is unlike them."""

    low = serializers.FloatField()
    high = serializers.FloatField()
    smallest = serializers.FloatField()
    largest = serializers.FloatField()
    median = serializers.FloatField()
    quantiles = serializers.DictField(child=serializers.FloatField())
    samples = serializers.IntegerField()


class ThresholdSerializer(ApiSerializer):
    """How the threshold of the spotter's confidence was chosen."""

    value = serializers.FloatField()
    rule = serializers.CharField()
    expressions = serializers.IntegerField()
    found = serializers.FloatField(allow_null=True)
    free = serializers.IntegerField()
    rejected = serializers.FloatField(allow_null=True)
    quantiles = serializers.DictField(child=serializers.FloatField())


class LimitsSerializer(ApiSerializer):
    """What the training samples were like. Scores warn of clips that are unlike them."""

    version = serializers.IntegerField()
    fps = RangeSerializer(allow_null=True, help_text="Recording rate in frames per second.")
    face_size = RangeSerializer(allow_null=True, help_text="Side of the face's box in pixels.")
    motion = RangeSerializer(allow_null=True, help_text="95% quantile of the flow, in pixels of the crop.")
    no_expression_below = serializers.FloatField(
        help_text="Below this confidence of the spotter, the answer is “no expression found”."
    )
    threshold = ThresholdSerializer()


class ModelEventSerializer(ApiModelSerializer):
    """Something that happened to a model."""

    by = serializers.CharField(source="by.username", default=None, allow_null=True, read_only=True)

    class Meta:
        model = ModelEvent
        fields = ["kind", "before", "after", "reason", "by", "at"]


class ModelVersionSerializer(ApiModelSerializer):
    """A model that scores clips."""

    url = Link("modelversion-detail", pk="pk")
    page_url = page_link("model")
    version = serializers.IntegerField(
        source="run.version_id", default=None, allow_null=True, help_text="null for an imported model."
    )
    version_hash = serializers.CharField(
        source="run.version.content_hash",
        default=None,
        allow_null=True,
        help_text="SHA-256 of the samples it was trained on.",
    )
    withdrawn_samples = serializers.IntegerField(
        source="run.version.withdrawn_samples",
        default=0,
        help_text="How many samples that it was trained on were withdrawn since then.",
    )
    state = serializers.ChoiceField(
        ["ready", "training", "checking", "failed"], read_only=True, help_text="Only a ready model can score."
    )
    error = serializers.CharField(read_only=True, help_text="Why it could not be trained; empty otherwise.")
    progress = serializers.SerializerMethodField(
        help_text="Progress of its training, as of a run; null if it is ready."
    )
    aliases = serializers.SerializerMethodField(
        help_text="Its aliases, without @; with `production` if it is in production."
    )
    of_pictures = serializers.BooleanField(
        read_only=True, help_text="Trained on flow pictures, so it cannot score clips."
    )
    imported = serializers.BooleanField(source="is_imported", read_only=True)
    limits = serializers.SerializerMethodField(help_text="null for a model without them.")
    scores = serializers.SerializerMethodField(
        help_text="Held-out scores of its run; null if there are none, and while hidden."
    )
    scores_hidden = serializers.SerializerMethodField(
        help_text="Why you may not see the scores: your queue has clips of the version. Otherwise empty."
    )
    batches = serializers.IntegerField(
        source="batch_count", read_only=True, help_text="Scoring batches that use it."
    )
    created_by = creator()

    class Meta:
        model = ModelVersion
        fields = [
            "id", "url", "page_url", "project",
            "run", "version", "version_hash", "withdrawn_samples", "name", "stage", "aliases", "state", "error", "progress",
            "classes", "config", "of_pictures", "imported", "sha256", "temperature", "limits", "scores", "scores_hidden",
            "batches", "created_by", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @cached_property
    def _hidden(self) -> Known:
        return {}

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_aliases(self, model: ModelVersion) -> list[str]:
        return aliases_of(model)

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_progress(self, model: ModelVersion) -> dict[str, Any] | None:
        return model.run.progress() if model.run and model.state == "training" else None

    @extend_schema_field(ModelScoresSerializer(allow_null=True))
    def get_scores(self, model: ModelVersion) -> dict[str, Any] | None:
        return None if self.get_scores_hidden(model) else scores_of(model)

    def get_scores_hidden(self, model: ModelVersion) -> str:
        return why_hidden(model, self.context["request"].user, self._hidden)

    @extend_schema_field(LimitsSerializer(allow_null=True))
    def get_limits(self, model: ModelVersion) -> dict[str, Any] | None:
        return model.limits or None


class ModelDetailSerializer(ModelVersionSerializer):
    """A model that scores clips, with its history."""

    history = ModelEventSerializer(source="events", many=True, read_only=True, help_text="Newest first.")

    class Meta(ModelVersionSerializer.Meta):
        fields = [*ModelVersionSerializer.Meta.fields, "history"]
        read_only_fields = fields


class RegisterSerializer(ApiSerializer):
    """A run that becomes a model."""

    run = own_related(Run.objects.select_related("project", "version"), "project")(
        help_text="Id of a finished run. Without a model, it is trained on all samples first."
    )
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=120, help_text="By default the name of the run."
    )
    reason = serializers.CharField(required=False, allow_blank=True, **REASON)


class LicencesField(serializers.DictField):
    child = serializers.CharField(allow_blank=True, max_length=500)


class NotesSerializer(ApiSerializer):
    """The parts of a card that people write. They never replace a fact."""

    intended_use = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    out_of_scope = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    ethics = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    licences = LicencesField(
        required=False, help_text="By name of the database: under which licence you may use it."
    )


class ChangeModelSerializer(ApiSerializer):
    """What can be changed of a model; its stage has an address of its own."""

    name = serializers.CharField(required=False, max_length=120)
    notes = NotesSerializer(required=False)


class StageSerializer(ApiSerializer):
    """A stage, and why."""

    stage = serializers.ChoiceField(ModelVersion.Stage.choices)
    reason = serializers.CharField(**REASON)


class AliasSerializer(ApiSerializer):
    """Why an alias means another model now."""

    reason = serializers.CharField(required=False, allow_blank=True, **REASON)


class ModelExportSerializer(ApiModelSerializer):
    """A model as an ONNX file."""

    class Meta:
        model = ModelExport
        fields = ["state", "error", "sha256", "size", "check_result", "created_at", "finished_at"]
        read_only_fields = fields


def aliases_of(model: ModelVersion) -> list[str]:
    """Return the aliases of a model without @: ``production`` first, then by name."""
    own = sorted(alias.name for alias in model.aliases.all())
    return [PRODUCTION, *own] if model.stage == ModelVersion.Stage.PRODUCTION else own
