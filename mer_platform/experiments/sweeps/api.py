"""The REST API of experiments."""

from typing import Annotated, Any

from django_filters import ChoiceFilter
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from pydantic import Field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.composites.serializers import version_field
from mer_platform.configurations.parsing import parse_sweep
from mer_platform.experiments import services
from mer_platform.experiments.managing.api import NOTE_CHANGED, ManagedMixin
from mer_platform.experiments.managing.filters import ManagedFilter
from mer_platform.experiments.managing.serializers import MANAGED_FIELDS, ManagedSerializer
from mer_platform.experiments.models import Experiment
from mer_platform.experiments.models.experiments import ExperimentQuerySet
from mer_platform.experiments.models.progress import progress_of_experiments
from mer_platform.experiments.progress_api import ProgressOfLists, WithProgress, progress_field
from mer_platform.experiments.runs.serializers import keep_weights_field
from mer_platform.experiments.shapes import ExperimentProgress, RunOfExperiment
from mer_platform.experiments.sweeps.answer import Answer, Standing
from mer_platform.experiments.sweeps.effects_api import EffectsSerializer, interval_field
from mer_platform.experiments.sweeps.estimate import estimate
from mer_platform.projects.access import require
from mer_platform.projects.models import Role
from mer_platform.projects.viewsets import InProject
from mer_platform.rest.errors import Conflict
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiSerializer
from models_ml.config import PRESETS, RunConfig, SweepConfig, from_preset


def preset_choices() -> list[tuple[str, str]]:
    """Return the presets of sweeps with their titles."""
    return [(name, preset.title) for name, preset in PRESETS.items()]


Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
# A part of a configuration has the same fields; whether it is complete is checked with each combination.
PartOfRunConfig = RunConfig


def each_once(seeds: Any) -> Any:
    """Return the seeds. Raises ValidationError for each that was given before: it would not give another run."""
    if not isinstance(seeds, list):
        return seeds
    known: set[Any] = set()
    errors: Any = {}
    for index, seed in enumerate(seeds):
        if isinstance(seed, int) and seed in known:
            errors[index] = [f"The seed {seed} is given more than once."]
        elif isinstance(seed, int):
            known.add(seed)
    if errors:
        raise serializers.ValidationError(errors)
    return seeds


class SweepSettingsSerializer(ApiSerializer):
    """Configurations and seeds. The validated data has the sweep as ``sweep``."""

    preset = serializers.ChoiceField(
        preset_choices(),
        required=False,
        help_text="A preset of the platform; base, grid and seeds change it.",
    )
    base = TypedField(
        PartOfRunConfig,
        required=False,
        default=dict,
        help_text="Settings that all runs share, see /api/v1/run-config-schema/.",
    )
    grid = TypedField(
        dict[str, list[Any]],
        required=False,
        default=dict,
        help_text='Values to try, by setting: {"net.placement": [1, 2, 3]}. "net" takes whole networks.',
    )
    seeds = TypedField(
        list[Seed],
        required=False,
        default=list,
        help_text="Each combination runs once per seed.",
    )

    def validate_seeds(self, seeds: Any) -> Any:
        return each_once(seeds)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        sweep = {name: data[name] for name in ("base", "grid", "seeds")}
        if name := data.get("preset"):
            sweep = from_preset(name, **sweep)
        return {**data, "sweep": parse_sweep(sweep)}


class SweepSerializer(SweepSettingsSerializer):
    """What an experiment varies, on which composite version and on which device."""

    version = version_field()
    device = serializers.ChoiceField(Experiment.Device.choices, required=False, default="auto")
    keep_weights = keep_weights_field()


class LaunchExperimentSerializer(SweepSerializer):
    name = serializers.CharField(required=False, allow_blank=True, max_length=120, default="")
    priority = serializers.IntegerField(
        required=False,
        default=0,
        min_value=Experiment.LOWEST,
        max_value=Experiment.HIGHEST,
        help_text="Experiments with a higher priority start first.",
    )


class EstimateSerializer(ApiSerializer):
    runs = serializers.IntegerField()
    folds = serializers.IntegerField()
    networks = serializers.IntegerField(
        help_text="Networks trained for the folds; an ensemble has several per fold."
    )
    jobs = serializers.IntegerField(help_text="Jobs of features and of bundles of folds.")
    multiply_adds = serializers.IntegerField()
    seconds = serializers.FloatField(
        help_text="Seconds until the last fold is done with the present workers, including missing features."
    )
    workers = serializers.IntegerField()
    queue = serializers.CharField()
    basis = serializers.CharField(help_text="Where the estimate of the training time comes from.")
    features_samples = serializers.IntegerField(help_text="Samples with missing features.")
    features_pictures = serializers.IntegerField(
        help_text="Flow images to compute for them, for all settings."
    )
    features_seconds = serializers.FloatField(help_text="The part of seconds that missing features take.")
    features_basis = serializers.CharField(
        help_text="Where the estimate of the feature time comes from; empty if no features are missing.",
        allow_blank=True,
    )
    weights_bytes = serializers.IntegerField(help_text="About what the networks of the folds take, if kept.")
    keeps_weights = serializers.BooleanField(help_text="Whether they are kept.")


class SeedsSerializer(ApiSerializer):
    seeds = serializers.ListField(child=serializers.IntegerField(), allow_empty=False, max_length=1000)

    def validate_seeds(self, seeds: list[int]) -> Any:
        return each_once(seeds)


class ExperimentSerializer(WithProgress, ManagedSerializer):
    """Runs that were launched together."""

    progress = progress_field(ExperimentProgress)
    state = serializers.ChoiceField(Experiment.State.choices, read_only=True)
    sweep = TypedField(
        SweepConfig,
        stored=True,
        read_only=True,
        allow_null=True,
        help_text="What it varies; null for external runs.",
    )
    finished_at = serializers.DateTimeField(read_only=True, allow_null=True)
    version_hash = serializers.CharField(source="version.content_hash", read_only=True)
    url = Link("experiment-detail", pk="pk")
    page_url = page_link("experiment")

    class Meta:
        model = Experiment
        fields = [
            "id", "project", "version", "version_hash", "name", "sweep", "priority", "device", "queue",
            "keep_weights", "state", "progress", "created_at", "finished_at", *MANAGED_FIELDS,
        ]  # fmt: skip


class ExperimentDetailSerializer(ExperimentSerializer):
    runs = serializers.SerializerMethodField(help_text="Each run with its values of the settings that vary.")

    class Meta(ExperimentSerializer.Meta):
        fields = [*ExperimentSerializer.Meta.fields, "runs"]

    @extend_schema_field(TypedField(list[RunOfExperiment]))
    def get_runs(self, experiment: Experiment) -> list[dict[str, Any]]:
        sweep = SweepConfig.model_construct(**experiment.sweep or {})  # validated when it was launched
        return [
            {
                "id": run.pk,
                "name": run.name,
                "state": run.state,
                "error": run.error,
                "seed": run.seed,
                "values": {} if run.is_external else sweep.varied(run.settings),
                "config_hash": run.config_hash,
                "finished_at": run.finished_at,
            }
            for run in experiment.runs.order_by("pk")
        ]


class StandingSerializer(ApiSerializer):
    """A configuration in the ranking by UF1."""

    configuration = serializers.CharField(
        source="label", help_text="The settings that distinguish it from the others."
    )
    runs = serializers.SerializerMethodField(help_text="Ids of its runs, one per seed.")
    uf1 = serializers.FloatField(source="rank.score", help_text="Mean over its seeds, like all scores here.")
    uf1_interval_95 = interval_field(source="rank.interval")
    uar = serializers.FloatField()
    uar_interval_95 = interval_field(source="uar_interval")
    best = serializers.FloatField(
        source="rank.best", help_text="Share of the resamples in which it is the best."
    )
    may_be_best = serializers.BooleanField(
        source="rank.may_be_best",
        help_text="True for the leader and for any configuration whose gap to the leader is not significant.",
    )
    behind = serializers.FloatField(source="rank.behind", help_text="Gap to the leader's UF1.")
    behind_interval_95 = interval_field(
        source="rank.behind_interval",
        help_text="Holds for all pairs of configurations at once; null for the leader.",
    )

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_runs(self, row: Standing) -> list[int]:
        return [run.pk for run in row.runs]


class RankingSerializer(ApiSerializer):
    """Configurations by UF1. Intervals come from 10,000 resamples of the subjects."""

    places = StandingSerializer(source="standings", many=True, help_text="The best first.")
    runs_open = serializers.IntegerField(source="open", help_text="Runs without scores yet.")
    runs_missing = serializers.IntegerField(source="missing", help_text="Runs that failed or were cancelled.")
    expected_uf1 = serializers.FloatField(
        source="expected.score",
        default=None,
        allow_null=True,
        help_text="UF1 to expect on new subjects from choosing the best of these; null with fewer than two configurations.",
    )
    expected_uf1_interval_95 = interval_field(source="expected.interval")
    problem = serializers.CharField(
        help_text="Why the runs cannot be ranked, or their scores are hidden; otherwise empty."
    )


class ExperimentFilter(ManagedFilter):
    state = ChoiceFilter(choices=Experiment.State.choices, method="filter_state", null_label=None)

    def filter_state(self, rows: ExperimentQuerySet, _name: str, value: str) -> ExperimentQuerySet:
        return rows.in_state(value)

    class Meta:
        model = Experiment
        fields = ["project", "version", "device", "priority"]


@extend_schema_view(
    partial_update=extend_schema(responses={200: ExperimentDetailSerializer, 409: NOTE_CHANGED})
)
class ExperimentViewSet(
    ProgressOfLists, ManagedMixin, InProject, mixins.ListModelMixin, mixins.RetrieveModelMixin
):
    queryset = (
        Experiment.objects.select_related("version", "project", "created_by")
        .with_counts()
        .prefetch_related("tags")
        .order_by("-id")
    )
    serializer_class = ExperimentSerializer
    filterset_class = ExperimentFilter
    action_roles = {"estimate": Role.VIEWER}
    renamed = {"author": "created_by"}
    search_fields = ["name", "notes", "version__composite__name"]
    ordering_fields = ["name", "priority", "created_at"]
    open_states = (Experiment.State.RUNNING, Experiment.State.PAUSED)
    count_progress = staticmethod(progress_of_experiments)

    def get_serializer_class(self) -> Any:
        return ExperimentSerializer if self.action == "list" else ExperimentDetailSerializer

    @extend_schema(request=LaunchExperimentSerializer, responses={202: ExperimentDetailSerializer})
    def create(self, request: Request) -> Response:
        """Launch an experiment: every combination of the grid's values, with every seed."""
        data = self._validated(request, LaunchExperimentSerializer, Role.RESEARCHER)
        experiment = services.launch_experiment(
            data["version"],
            data["sweep"],
            request.user,
            data["name"],
            data["priority"],
            data["device"],
            data["keep_weights"],
        )
        return self._answer(experiment, status.HTTP_202_ACCEPTED)

    @extend_schema(request=SweepSerializer, responses=EstimateSerializer)
    @action(detail=False, methods=["post"])
    def estimate(self, request: Request) -> Response:
        """Estimate the work of an experiment: jobs, multiply-adds and seconds. Nothing is stored."""
        data = self._validated(request, SweepSerializer, Role.VIEWER)
        return Response(
            estimate(data["version"], data["sweep"], data["device"], data["keep_weights"]).as_json()
        )

    @extend_schema(responses=RankingSerializer)
    @action(detail=True)
    def ranking(self, request: Request, pk: str) -> Response:
        """Rank the configurations by UF1, using the runs that have scores so far."""
        return Response(RankingSerializer(Answer(self.get_object(), request.user)).data)

    @extend_schema(responses=EffectsSerializer)
    @action(detail=True)
    def effects(self, request: Request, pk: str) -> Response:
        """Return the effect of each setting on UF1 and UAR, with the others averaged, once all runs have ended."""
        return Response(EffectsSerializer(Answer(self.get_object(), request.user)).data)

    @extend_schema(request=None, responses=ExperimentDetailSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Start no new folds. Folds in training finish."""
        return self._steered(services.pause(self.get_object(), request.user), "nothing to pause")

    @extend_schema(request=None, responses=ExperimentDetailSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Continue a paused experiment."""
        return self._steered(services.resume(self.get_object(), request.user), "nothing to resume")

    @extend_schema(request=None, responses=ExperimentDetailSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop its active runs. Folds in training stop at their next epoch; finished folds are kept."""
        done = services.cancel_experiment(self.get_object(), request.user)
        return self._steered(done, "nothing to cancel")

    @extend_schema(request=SeedsSerializer, responses={202: ExperimentDetailSerializer})
    @action(detail=True, methods=["post"], url_path="add-seeds")
    def add_seeds(self, request: Request, pk: str) -> Response:
        """Run every combination with more seeds."""
        experiment = self.get_object()
        form = SeedsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.add_seeds(experiment, form.validated_data["seeds"], request.user)
        return self._answer(self.get_object(), status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: ExperimentDetailSerializer})
    @action(detail=True, methods=["post"], url_path="rerun-failed")
    def rerun_failed(self, request: Request, pk: str) -> Response:
        """Run the failed runs again and keep their finished folds."""
        runs = services.rerun_failed(self.get_object(), request.user)
        return self._steered(bool(runs), "no failed run to run again", status.HTTP_202_ACCEPTED)

    def _validated(self, request: Request, form_class: type[SweepSerializer], role: Role) -> dict[str, Any]:
        form = form_class(data=request.data, context=self.get_serializer_context())
        if not form.is_valid():
            # Report the errors of the sweep together with the others.
            asked = request.data if isinstance(request.data, dict) else {}
            names: list[Any] = list(SweepSettingsSerializer().fields)
            sweep = SweepSettingsSerializer(data={name: asked[name] for name in names if name in asked})
            sweep.is_valid()
            raise serializers.ValidationError({**form.errors, **sweep.errors})
        require(request.user, form.validated_data["version"].project, role)
        return form.validated_data

    def _steered(self, done: bool, otherwise: str, code: int = status.HTTP_200_OK) -> Response:
        experiment = self.get_object()
        if not done:
            raise Conflict(f"This experiment is {experiment.get_state_display()}: there is {otherwise}.")
        return self._answer(experiment, code)

    def _answer(self, experiment: Experiment, code: int) -> Response:
        return Response(
            ExperimentDetailSerializer(experiment, context=self.get_serializer_context()).data, status=code
        )

    def state_of(self, row: Experiment) -> str | None:
        found = Experiment.objects.with_counts().filter(pk=row.pk).first()
        return found.state if found else None
