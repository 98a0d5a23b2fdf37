from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.checks import check_marks
from mer_platform.clips.models import Clip
from mer_platform.experiments.models import Run
from mer_platform.projects.access import require, researcher_projects
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.registry.models import ModelVersion
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.scoring.services import WantedClip, start_batch

OwnClip = own_related(Clip.objects.all(), "project")


class ScoringItemSerializer(ApiModelSerializer):
    clip_name = serializers.CharField(source="clip.__str__", read_only=True)
    in_training = serializers.BooleanField(
        read_only=True,
        help_text="The clip was in the model's training data, so its score says little about new clips.",
    )

    class Meta:
        model = ScoringItem
        fields = [
            "clip",
            "clip_name",
            "state",
            "onset",
            "apex",
            "frames_from",
            "probabilities",
            "predicted",
            "in_training",
            "error",
        ]

    def to_representation(self, item: ScoringItem) -> dict[str, Any]:
        data = super().to_representation(item)
        blind = item.batch.project_id not in self.context["sees_marks_in"]
        blind = blind or item.clip_id in self.context["blind"]
        if blind and item.frames_from == ScoringItem.FramesFrom.ANNOTATED:
            data["onset"] = data["apex"] = None  # marks that this user may not see
        return data


class ScoringBatchSerializer(ApiModelSerializer):
    progress = serializers.DictField(read_only=True)
    items = ScoringItemSerializer(many=True, read_only=True)

    class Meta:
        model = ScoringBatch
        fields = ["id", "project", "model", "progress", "items", "created_at"]


class WantedClipSerializer(ApiSerializer):
    clip = OwnClip()
    onset = serializers.IntegerField(required=False, min_value=0)
    apex = serializers.IntegerField(required=False, min_value=0)

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        if ("onset" in fields) != ("apex" in fields):
            raise serializers.ValidationError("Give both onset and apex, or neither.")
        if "apex" in fields and (
            errors := check_marks(fields["clip"], fields["onset"], fields["apex"], None)
        ):
            raise serializers.ValidationError(errors)
        return fields


class StartBatchSerializer(ApiSerializer):
    model = own_related(ModelVersion.objects.select_related("project", "run__version"), "project")(
        required=False, help_text="Id of a model. Alternative to `run`."
    )
    run = own_related(Run.objects.select_related("project"), "project")(
        required=False, help_text="Id of a finished run, whose model is used. Alternative to `model`."
    )
    clips = OwnClip(
        many=True,
        required=False,
        help_text="Ids of clips. Their annotated onset and apex are used; without annotations, both are spotted.",
    )
    leave_out_training = serializers.BooleanField(
        default=False, help_text="Do not score clips that were in the model's training data."
    )
    items = WantedClipSerializer(
        many=True, required=False, help_text="Clips with the frame indices of the onset and apex to use."
    )

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        if ("model" in fields) == ("run" in fields):
            raise serializers.ValidationError({"model": ["Give either a model or a finished run."]})
        if "run" in fields:
            fields["model"] = getattr(fields["run"], "model", None)
            if fields["model"] is None:
                raise serializers.ValidationError(
                    {"run": [f"This run has no model: it is {fields['run'].get_state_display()}."]}
                )
        project = fields["model"].project
        wanted = [WantedClip(clip) for clip in fields.get("clips", [])]
        wanted += [WantedClip(i["clip"], i.get("onset"), i.get("apex")) for i in fields.get("items", [])]
        if not wanted:
            raise serializers.ValidationError({"clips": ["Give at least one clip."]})
        foreign = [want.clip.pk for want in wanted if want.clip.project_id != project.pk]
        if foreign:
            raise serializers.ValidationError(
                {
                    "clips": [
                        f"These clips are not in the model's project, {project}: {', '.join(map(str, foreign))}."
                    ]
                }
            )
        ids = [want.clip.pk for want in wanted]
        if twice := sorted({pk for pk in ids if ids.count(pk) > 1}):
            raise serializers.ValidationError(
                {"clips": [f"These clips are given more than once: {', '.join(map(str, twice))}."]}
            )
        return {**fields, "wanted": wanted}


class ScoringBatchViewSet(InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Scoring batches, with the result of each clip."""

    queryset = ScoringBatch.objects.select_related("model__run__version").prefetch_related(
        "items__clip__subject__database"
    )
    serializer_class = ScoringBatchSerializer
    filterset_fields = ["project", "model"]

    def get_serializer_context(self) -> dict[str, Any]:
        return {
            **super().get_serializer_context(),
            "sees_marks_in": set(researcher_projects(self.request.user)),
            "blind": set(blind_clips(self.request.user)),
        }

    @extend_schema(request=StartBatchSerializer, responses={202: ScoringBatchSerializer})
    def create(self, request: Request) -> Response:
        """Score clips with the model of a finished run. Poll the batch until `progress.state` is `done`."""
        form = StartBatchSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        model = form.validated_data["model"]
        require(request.user, model.project, Role.RESEARCHER)
        fields = form.validated_data
        batch = start_batch(model, fields["wanted"], request.user, fields["leave_out_training"])
        return Response(self.get_serializer(batch).data, status=status.HTTP_202_ACCEPTED)
