"""What the API says of a comparison, as its schema describes it."""

from rest_framework import serializers

from mer_platform.experiments.runs.curve_serializers import RunAreasSerializer
from mer_platform.experiments.runs.serializers import PooledResultsSerializer
from mer_platform.experiments.shapes import (
    AgainstFirst,
    DifferencesOfSeeds,
    DifferingSetting,
    DisagreementOfRuns,
    MeansOfSeeds,
)
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiSerializer


class ComparedRunSerializer(ApiSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    protocol = serializers.CharField()
    config_hash = serializers.CharField()
    results = PooledResultsSerializer(help_text="As of a run, without leaky_oracle.")


class SubjectRowSerializer(ApiSerializer):
    subject = serializers.CharField()
    samples = serializers.IntegerField()
    correct = serializers.ListField(
        child=serializers.IntegerField(), help_text="Of each run in subjects.runs."
    )
    disagreement = serializers.FloatField(
        help_text="Samples of which one of two runs is right and the other wrong, as the mean over all pairs of runs."
    )


class SubjectsSerializer(ApiSerializer):
    runs = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="The runs that were tested on the same samples as the first.",
    )
    rows = SubjectRowSerializer(many=True, help_text="Subjects with most disagreement first.")


class ConfigurationSerializer(ApiSerializer):
    name = serializers.CharField()
    runs = serializers.ListField(child=serializers.IntegerField())
    seeds = serializers.ListField(child=serializers.IntegerField())
    means = TypedField(
        MeansOfSeeds,
        help_text="Of uf1, uar and accuracy: mean, interval_95 over subjects and seeds, deviation_between_seeds.",
    )
    differences = TypedField(
        DifferencesOfSeeds,
        allow_null=True,
        help_text="From the first configuration: difference, standard_error, interval_95, p, p_holm, and share_of_seeds "
        "of the variance. null for the first.",
    )


class ComparisonSerializer(ApiSerializer):
    runs = ComparedRunSerializer(many=True)
    against = TypedField(
        list[AgainstFirst],
        help_text="Each other run compared with the first: paired differences and McNemar’s test, or the reason why not.",
    )
    configuration = TypedField(
        list[DifferingSetting], help_text="Settings that differ, with the value of each run."
    )
    disagreements = TypedField(
        list[DisagreementOfRuns],
        allow_null=True,
        help_text="Samples that runs predict differently; null if you may not see labels or the samples are not the same.",
    )
    subjects = SubjectsSerializer()
    configurations = ConfigurationSerializer(
        many=True, help_text="Configurations with several seeds, the reference first."
    )
    curves = RunAreasSerializer(
        many=True, help_text="Areas and calibration of each run. The lines: /api/v1/runs/{id}/curves/."
    )
