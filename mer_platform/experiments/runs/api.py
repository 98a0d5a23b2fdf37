from dataclasses import asdict
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import blind_clips
from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.parsing import parse_config
from mer_platform.experiments import services
from mer_platform.experiments.curves import curves_as_json, curves_of_runs
from mer_platform.experiments.managing.api import NOTE_CHANGED, ManagedMixin
from mer_platform.experiments.managing.filters import ManagedFilter
from mer_platform.experiments.managing.serializers import MANAGED_FIELDS, ManagedSerializer
from mer_platform.experiments.models import Experiment, ExternalRun, Fold, Prediction, Run
from mer_platform.experiments.models.progress import progress_of_runs
from mer_platform.experiments.progress_api import ProgressOfLists, WithProgress, progress_field
from mer_platform.experiments.results import results_of
from mer_platform.experiments.runs.curve_serializers import RunCurvesSerializer
from mer_platform.experiments.runs.epochs import oracle_of
from mer_platform.experiments.shapes import (
    ClassIntervals,
    ClassScore,
    DeclaredProtocol,
    RunProgress,
    ScoreIntervals,
    SubjectScore,
)
from mer_platform.projects.access import require
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.views import ApiView, lists
from models_ml.config import RunConfig
from models_ml.errors import InputError

LEAKY = (
    "Leaky: epochs chosen on the test subjects, as in some papers. For comparison with these papers only; the run's own "
    "results do not use it."
)


class ScoresSerializer(ApiSerializer):
    samples = serializers.IntegerField()
    uf1 = serializers.FloatField()
    uar = serializers.FloatField()
    accuracy = serializers.FloatField()
    confusion = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="True classes as rows, predicted classes as columns, in the order of classes.",
    )
    per_class = TypedField(
        dict[str, ClassScore], help_text="Precision, recall, f1 and support of each class."
    )


class LeakyOracleSerializer(ApiSerializer):
    note = serializers.CharField(help_text="A warning that these scores are leaky.")
    common_epoch = serializers.IntegerField(
        help_text="The epoch with the highest UF1 on the test subjects, counted from 1."
    )
    common = ScoresSerializer(help_text="Scores with that epoch in every fold.")
    fold_epochs = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="The best epoch of each fold on its own test subjects, counted from 1.",
    )
    per_fold = ScoresSerializer(help_text="Scores with the best epoch of each fold.")
    curve = serializers.ListField(child=serializers.FloatField(), help_text="UF1 by epoch, over all folds.")


class PooledResultsSerializer(ScoresSerializer):
    """Scores of all folds together."""

    per_database = serializers.DictField(child=ScoresSerializer())
    per_subject = TypedField(
        dict[str, SubjectScore],
        help_text="Samples, correct predictions and confusion matrix of each subject.",
    )
    classes = serializers.ListField(child=serializers.CharField())
    intervals_95 = TypedField(
        ScoreIntervals,
        help_text="95% intervals of uf1, uar and accuracy from a bootstrap over subjects; null with a single subject.",
    )
    intervals_95_per_database = TypedField(
        dict[str, ScoreIntervals], help_text="The same intervals by database."
    )
    intervals_95_per_class = TypedField(
        dict[str, ClassIntervals], help_text="95% intervals of precision, recall and f1 by class."
    )


class ResultsSerializer(PooledResultsSerializer):
    """Scores of all folds together, and what choosing epochs on the test subjects would have given."""

    leaky_oracle = LeakyOracleSerializer(
        allow_null=True, help_text=f"{LEAKY} null unless the run recorded it (setting train.oracle)."
    )


class ExternalSerializer(ApiModelSerializer):
    mark = serializers.CharField(
        source="MARK", read_only=True, help_text="Show it with each mention of the run."
    )
    declared = TypedField(DeclaredProtocol, read_only=True, help_text="The declared protocol.")
    checked = TypedField(
        list[str], read_only=True, help_text="Sentences: what was checked, and what could not be."
    )
    remarks = TypedField(list[str], read_only=True, help_text="Sentences: what is odd about the predictions.")

    class Meta:
        model = ExternalRun
        fields = ["mark", "declared", "source", "file_name", "file_sha256", "checked", "remarks"]


class RunSerializer(WithProgress, ManagedSerializer):
    """One configuration, trained and tested on a version."""

    progress = progress_field(RunProgress)
    version_hash = serializers.CharField(source="version.content_hash", read_only=True)
    seconds = serializers.SerializerMethodField(
        help_text="Seconds from launch to end; null until it has ended, so that the answer changes only when the run does."
    )
    url = Link("run-detail", pk="pk")
    page_url = page_link("run")
    config = TypedField(
        RunConfig,
        stored=True,
        read_only=True,
        allow_null=True,
        help_text="Its configuration; null for an external run.",
    )
    environment = TypedField(
        dict[str, str],
        read_only=True,
        help_text="Code, machine, device and versions of libraries that trained it; empty before.",
    )

    @cached_property
    def _hidden(self) -> dict[int, str]:
        """Why scores are hidden, by version: most runs of a list are on a few versions."""
        return {}

    results = serializers.SerializerMethodField(
        help_text="Metrics computed from the stored predictions; null until every fold is done, and while hidden."
    )
    results_hidden = serializers.SerializerMethodField(
        help_text="Why you may not see the results: your queue has clips of the version. Otherwise empty."
    )
    model = serializers.SerializerMethodField(
        help_text="Id of the model trained on all samples; null if there is none."
    )

    external = ExternalSerializer(
        read_only=True,
        allow_null=True,
        help_text="Where its predictions come from; null for a run of the platform.",
    )

    class Meta:
        model = Run
        fields = [
            "id", "project", "version", "version_hash", "experiment", "name", "config", "config_hash", "protocol",
            "external", "seed", "state", "error", "progress", "results", "results_hidden", "model", "environment", "seconds",
            "created_at", "finished_at", *MANAGED_FIELDS,
        ]  # fmt: skip

    @extend_schema_field(ResultsSerializer(allow_null=True))
    def get_results(self, run: Run) -> dict[str, Any] | None:
        if not run.scored or self.get_results_hidden(run):
            return None
        recorded = run.config is not None and run.config["train"].get("oracle")
        oracle = oracle_of(run) if recorded else None
        leaky = None if oracle is None else {"note": LEAKY, **asdict(oracle)}
        return {**results_of(run).as_json(), "leaky_oracle": leaky}

    def get_seconds(self, run: Run) -> float | None:
        return run.seconds if run.finished_at else None

    def get_results_hidden(self, run: Run) -> str:
        known = self._hidden
        if run.version_id not in known:
            known[run.version_id] = why_scores_hidden(self.context["request"].user, run.version_id)
        return known[run.version_id]

    def get_model(self, run: Run) -> int | None:
        return run.ready_model.pk if run.ready_model else None


def keep_weights_field() -> serializers.ChoiceField:
    return serializers.ChoiceField(
        Experiment.KeepWeights.choices,
        required=False,
        default="auto",
        help_text="Whether to keep the networks of the folds, which attribution needs; auto: if they take 1 GB or less.",
    )


class LaunchSerializer(ApiSerializer):
    version = own_related(
        CompositeVersion.objects.select_related("composite__project"), "composite__project"
    )(help_text="Id of a composite version.")
    config = TypedField(
        RunConfig,
        required=False,
        default=dict,
        help_text="Its schema is also at /api/v1/run-config-schema/; {} means the defaults.",
    )
    name = serializers.CharField(required=False, allow_blank=True, max_length=120)
    keep_weights = keep_weights_field()

    def validate_config(self, data: Any) -> RunConfig:
        return parse_config(data)


class PredictionSerializer(ApiModelSerializer):
    sample = serializers.IntegerField(source="sample.index")
    name = serializers.CharField(source="sample.name")
    clip = serializers.IntegerField(
        source="sample.clip_id", allow_null=True, help_text="null for a flow picture."
    )
    picture = serializers.IntegerField(
        source="sample.picture_id", allow_null=True, help_text="null for a clip."
    )
    subject = serializers.CharField(source="sample.subject_key")
    true_label = serializers.CharField(
        source="sample.label", allow_null=True, help_text="null for a clip that you have yet to code."
    )
    predicted = serializers.CharField(allow_null=True, help_text="null for a clip that you have yet to code.")

    probabilities = TypedField(
        list[float],
        allow_null=True,
        help_text="Of negative, positive and surprise; null if the run has none, and for a clip that you have yet to code.",
    )

    class Meta:
        model = Prediction
        fields = [
            "sample", "name", "clip", "picture", "subject", "true_label", "predicted", "probabilities",
        ]  # fmt: skip

    def to_representation(self, prediction: Prediction) -> dict[str, Any]:
        data = super().to_representation(prediction)
        if prediction.sample.clip_id in self.context["blind"]:  # the caller has yet to code this clip
            data |= dict.fromkeys(data.keys() & {"true_label", "predicted", "probabilities"})
        return data


class FoldSerializer(ApiModelSerializer):
    losses = TypedField(list[float], help_text="Mean training loss of each epoch.")
    validation_losses = TypedField(
        list[float], help_text="Mean loss of each epoch on the inner validation subjects."
    )
    oracle = serializers.SerializerMethodField(
        help_text="The class that each epoch would have predicted for each test sample. Leaky."
    )

    @extend_schema_field(
        serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()), allow_null=True)
    )
    def get_oracle(self, fold: Fold) -> list[list[int]] | None:
        return None if self.context["hidden"] else fold.oracle

    class Meta:
        model = Fold
        fields = [
            "index", "name", "state", "attempt", "epochs_done", "losses", "validation_losses", "epoch", "oracle",
            "weights_sha256", "seconds",
        ]  # fmt: skip


# Not by class: it would show the classes of clips that the caller has yet to code.
PREDICTIONS = lists(
    Prediction,
    {
        "sample": "sample__index", "clip": "sample__clip", "picture": "sample__picture", "database": "sample__database",
        "fold": "fold__index",
    },
    search=["sample__name", "sample__subject", "sample__database"],
    ordering={"sample": "sample__index", "name": "sample__name"},
)  # fmt: skip
FOLDS = lists(Fold, {"state": "state", "name": "name"}, search=["name"], ordering=["index", "name", "state"])


class RunFilter(ManagedFilter):
    class Meta:
        model = Run
        fields = ["project", "version", "experiment", "state", "seed", "config_hash"]


@extend_schema_view(partial_update=extend_schema(responses={200: RunSerializer, 409: NOTE_CHANGED}))
class RunViewSet(ProgressOfLists, ManagedMixin, InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    queryset = Run.objects.select_related(
        "model", "version", "experiment", "external", "stored_results", "project", "created_by"
    ).prefetch_related("tags")
    serializer_class = RunSerializer
    filterset_class = RunFilter
    search_fields = ["name", "notes", "experiment__name", "version__composite__name"]
    ordering_fields = {
        "name": "name", "state": "state", "seed": "seed", "created_at": "created_at", "finished_at": "finished_at",
    }  # fmt: skip
    open_states = Run.ACTIVE
    count_progress = staticmethod(progress_of_runs)

    @extend_schema(request=LaunchSerializer, responses={202: RunSerializer})
    def create(self, request: Request) -> Response:
        """Launch a single run as an experiment of its own. It also trains a final model."""
        form = LaunchSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        data = form.validated_data
        require(request.user, data["version"].project, Role.RESEARCHER)
        try:
            run = services.launch(
                data["version"],
                data["config"],
                request.user,
                data.get("name", ""),
                data["keep_weights"],
            )
        except DjangoValidationError as error:
            raise serializers.ValidationError({"config": error.message_dict}) from error
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop an active run. Folds in training stop at their next epoch; finished folds are kept."""
        run = self.get_object()
        if not services.cancel(run, request.user):
            raise Conflict(f"Cannot cancel this run: it is {run.get_state_display()}.")
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: RunSerializer})
    @action(detail=True, methods=["post"])
    def rerun(self, request: Request, pk: str) -> Response:
        """Run a failed run again and keep its finished folds. Other runs of its experiment may still be active."""
        run = self.get_object()
        if not services.rerun(run, request.user):
            run.refresh_from_db()
            raise Conflict(
                f"Cannot run this run again: it is {run.get_state_display()}. Only failed runs can run again."
            )
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: RunSerializer})
    @action(detail=True, methods=["post"], url_path="train-model")
    def train_model(self, request: Request, pk: str) -> Response:
        """Train the configuration on all samples: the model that scores new clips. Single runs do this by themselves."""
        run = self.get_object()
        try:
            started = services.train_model(run, request.user)
        except InputError as error:  # it is external
            raise Conflict(str(error)) from error
        if not started:
            if run.ready_model:
                raise Conflict("This run already has a model.")
            raise Conflict(f"Cannot train a model: the run is {run.get_state_display()}, not finished.")
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=PredictionSerializer(many=True))
    @action(detail=True, **PREDICTIONS)
    def predictions(self, request: Request, pk: str) -> Response:
        """The prediction of each sample, without classes and probabilities for clips that the caller has yet to code."""
        run = self.get_object()
        # True labels come from the annotations of others, and coding is blind.
        require(request.user, run.project, Role.RESEARCHER)
        rows = run.predictions.select_related("sample")
        return self.paged(
            self.filter_queryset(rows), PredictionSerializer, blind=set(blind_clips(request.user))
        )

    @extend_schema(responses={200: RunCurvesSerializer, 409: None}, filters=False)
    @action(detail=True, pagination_class=None)
    def curves(self, request: Request, pk: str) -> Response:
        """ROC and precision-recall curves, areas with 95% intervals, and calibration, from the probabilities."""
        run = self.get_object()
        if hidden := why_scores_hidden(request.user, run.version_id):
            raise PermissionDenied(hidden)
        if not run.scored:
            raise Conflict(f"{run} has no curves: it is {run.get_state_display()}.")
        return Response(curves_as_json(curves_of_runs([run])[0]))

    @extend_schema(responses=FoldSerializer(many=True))
    @action(detail=True, **FOLDS)
    def folds(self, request: Request, pk: str) -> Response:
        """Each fold: its loss by epoch, and the hash of the weights that made its predictions.

        `oracle`, the class that each epoch would have predicted, is null while scores are hidden from you.
        """
        run = self.get_object()
        hidden = bool(why_scores_hidden(request.user, run.version_id))
        return self.paged(self.filter_queryset(run.folds.all()), FoldSerializer, hidden=hidden)


@method_decorator(cache_control(private=True, max_age=3600), name="dispatch")
class RunConfigSchema(ApiView):
    """The configuration of a run."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """The JSON schema of a run's configuration, with titles, bounds and defaults."""
        return Response(RunConfig.model_json_schema())
