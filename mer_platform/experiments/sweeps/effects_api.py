"""How the REST API shows the effects of an experiment's settings."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mer_platform.experiments.sweeps.answer import Answer
from mer_platform.rest.serializers import ApiSerializer


def interval_field(**settings: Any) -> serializers.ListField:
    """A 95% interval, or null."""
    return serializers.ListField(
        child=serializers.FloatField(), min_length=2, max_length=2, default=None, allow_null=True, **settings
    )


class ValueEffectSerializer(ApiSerializer):
    """One value of a setting, averaged over the other settings and over seeds."""

    value = serializers.CharField(source="uf1.value")
    uf1 = serializers.FloatField(source="uf1.score")
    uf1_interval_95 = interval_field(source="uf1.interval")
    uar = serializers.FloatField(source="uar.score")
    uar_interval_95 = interval_field(source="uar.interval")
    behind = serializers.FloatField(
        source="uf1.behind", help_text="Gap to the UF1 of the setting's best value."
    )
    behind_interval_95 = interval_field(
        source="uf1.behind_interval",
        help_text="Holds for all pairs of values of all settings at once; null for the best value.",
    )


class SettingEffectSerializer(ApiSerializer):
    """The effect of one setting."""

    setting = serializers.CharField(source="effect.setting")
    significant = serializers.BooleanField(
        source="effect.significant", help_text="Whether the best value is distinguished from any other."
    )
    combinations = serializers.IntegerField(
        source="effect.combinations",
        help_text="Combinations of the other settings that were averaged: those that were run with every value.",
    )
    combinations_left_out = serializers.IntegerField(
        source="effect.combinations_left_out",
        help_text="Combinations that were run with some of the values only.",
    )
    values_left_out = serializers.ListField(
        child=serializers.CharField(),
        source="effect.values_left_out",
        help_text="Values that were not run with the same other settings as the rest.",
    )
    with_own = serializers.ListField(
        child=serializers.CharField(),
        source="effect.with_own",
        help_text="Settings that belong to this one and are averaged within each value.",
    )
    values = ValueEffectSerializer(source="rows", many=True)


class InteractionSerializer(ApiSerializer):
    """Two settings of which the effect of one depends on the other, with the clearest example."""

    setting = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField(), min_length=2, max_length=2)
    other = serializers.CharField()
    other_values = serializers.ListField(child=serializers.CharField(), min_length=2, max_length=2)
    changes = serializers.ListField(
        child=serializers.FloatField(),
        min_length=2,
        max_length=2,
        help_text="Change of UF1 from the first to the second of values, at each of other_values.",
    )
    difference = serializers.FloatField(help_text="The second change minus the first.")
    interval_95 = interval_field(source="interval", help_text="Holds for all tested differences at once.")


class EffectsSerializer(ApiSerializer):
    """What each setting does, the one with the largest effect on UF1 first. Empty while runs are open."""

    settings = SettingEffectSerializer(source="effects.settings", many=True, default=list)
    unseparated = serializers.ListField(
        child=serializers.CharField(),
        source="effects.by_uf1.unseparated",
        default=list,
        help_text="Settings that change only together with others.",
    )
    interactions = InteractionSerializer(
        source="effects.by_uf1.interactions",
        many=True,
        default=list,
        help_text="Pairs of settings with a significant dependence.",
    )
    interactions_tested = serializers.IntegerField(
        source="effects.by_uf1.interactions_tested",
        default=None,
        allow_null=True,
        help_text="Number of differences of differences that were tested; null if there were too many, or no effects.",
    )
    sentences = serializers.ListField(
        child=serializers.CharField(),
        source="effects.sentences",
        default=list,
        help_text="What the effects show.",
    )
    runs_open = serializers.IntegerField(source="open", help_text="Runs without scores yet.")
    problem = serializers.SerializerMethodField(help_text="Why there are no effects; empty if there are.")

    @extend_schema_field(serializers.CharField())
    def get_problem(self, answer: Answer) -> str:
        return answer.no_effects
