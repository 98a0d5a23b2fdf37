"""The API of runs, their folds and their predictions."""

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.blindness import blind_clips
from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.experiments import services
from mer_platform.experiments.curves import curves_as_json, curves_of_runs
from mer_platform.experiments.managing.api import NOTE_CHANGED, ManagedMixin
from mer_platform.experiments.managing.filters import ManagedFilter
from mer_platform.experiments.models import Fold, Prediction, Run
from mer_platform.experiments.models.progress import progress_of_runs
from mer_platform.experiments.progress_api import ProgressOfLists
from mer_platform.experiments.runs.curve_serializers import RunCurvesSerializer
from mer_platform.experiments.runs.serializers import (
    FoldSerializer,
    LaunchSerializer,
    PredictionSerializer,
    RunSerializer,
)
from mer_platform.projects.access import require
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.errors import Conflict
from mer_platform.rest.views import ApiView, lists
from models_ml.config import RunConfig
from models_ml.errors import InputError

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
    renamed = {"author": "created_by"}
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
