"""The bases of the API's serializers."""

from rest_framework import serializers


class ApiSerializer(serializers.Serializer):
    """Base of the serializers that have no model."""


class ApiModelSerializer(serializers.ModelSerializer):
    """Base of the serializers of models."""
