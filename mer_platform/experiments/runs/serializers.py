"""What the API says of runs, their folds and their predictions."""

from dataclasses import asdict
from functools import cached_property
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.composites.serializers import version_field
from mer_platform.configurations.parsing import parse_config
from mer_platform.experiments.managing.serializers import MANAGED_FIELDS, ManagedSerializer
from mer_platform.experiments.models import Experiment, ExternalRun, Fold, Prediction, Run
from mer_platform.experiments.progress_api import WithProgress, progress_field
from mer_platform.experiments.results import results_of
from mer_platform.experiments.runs.epochs import oracle_of
from mer_platform.experiments.shapes import (
    ClassIntervals,
    ClassScore,
    DeclaredProtocol,
    RunProgress,
    ScoreIntervals,
    SubjectScore,
)
from mer_platform.rest.links import Link, page_link
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from models_ml.config import RunConfig

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
    withdrawn_samples = serializers.IntegerField(
        source="version.withdrawn_samples",
        read_only=True,
        help_text="How many samples of its version were withdrawn since it was frozen. The results contain them.",
    )
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
            "id", "project", "version", "version_hash", "withdrawn_samples", "experiment", "name", "config", "config_hash",
            "protocol", "external", "seed", "state", "error", "progress", "results", "results_hidden",
            "model", "environment", "seconds",
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
    version = version_field()
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
