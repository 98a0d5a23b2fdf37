"""What the API says of a run's curves and calibration, as its schema describes it."""

from rest_framework import serializers

from mer_platform.experiments.shapes import Curve
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiSerializer
from models_ml.evaluation.calibration import BINS


class AreaSerializer(ApiSerializer):
    value = serializers.FloatField(
        allow_null=True, help_text="null without samples of the class or of the others."
    )
    interval = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="95% interval from a bootstrap over subjects.",
    )


class AreasSerializer(ApiSerializer):
    samples = serializers.IntegerField(help_text="Samples of the class; all samples for the mean.")
    auc = AreaSerializer(help_text="Area below the ROC curve.")
    average_precision = AreaSerializer()


class ReliabilitySerializer(ApiSerializer):
    samples = serializers.IntegerField()
    ece = serializers.FloatField(help_text=f"Expected calibration error over {BINS} bins of equal width.")
    brier = serializers.FloatField(help_text="Sum of squared errors over all classes, 0 to 2.")
    brier_interval = serializers.ListField(child=serializers.FloatField(), allow_null=True)


class BinSerializer(ApiSerializer):
    low = serializers.FloatField()
    high = serializers.FloatField(help_text="Included.")
    samples = serializers.IntegerField()
    confidence = serializers.FloatField(
        allow_null=True, help_text="Mean probability of the predicted classes."
    )
    accuracy = serializers.FloatField(allow_null=True)
    interval = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="95% interval of the accuracy."
    )


class CalibrationSerializer(ReliabilitySerializer):
    bins = BinSerializer(many=True)
    per_database = serializers.DictField(child=ReliabilitySerializer())


class RunAreasSerializer(ApiSerializer):
    run = serializers.IntegerField()
    missing = serializers.CharField(
        help_text="Why there are no curves, for example no probabilities; otherwise empty."
    )
    areas = serializers.DictField(
        child=AreasSerializer(), allow_null=True, help_text="By class, and “macro”."
    )
    areas_per_database = serializers.DictField(
        child=serializers.DictField(child=AreasSerializer()), allow_null=True
    )
    calibration = CalibrationSerializer(allow_null=True)


class RunCurvesSerializer(RunAreasSerializer):
    roc = TypedField(
        dict[str, Curve],
        allow_null=True,
        help_text="By class, and “macro”: false positive rates and true positive rates.",
    )
    precision_recall = TypedField(
        dict[str, Curve],
        allow_null=True,
        help_text="By class, and “macro”: recall and precision, which holds from the recall before to its own.",
    )
    note = serializers.CharField(help_text="What pooling probabilities over folds means.")
