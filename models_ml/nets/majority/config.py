"""Settings of a baseline: the most frequent class."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from models_ml.nets.base import BaseNet
from models_ml.nets.shapes import Layer


class Majority(BaseNet):
    """Always predicts the most frequent class of the training samples. It uses no training setting."""

    title: ClassVar[str] = "Majority class"
    position: ClassVar[int] = 102
    trained_by_gradient: ClassVar[bool] = False
    weighs_classes: ClassVar[bool] = False

    name: Literal["majority"] = Field("majority", title="Network", description="Network to train.")

    def layers_for(self, size: int, classes: int = 3) -> Sequence[Layer]:
        return [Layer("class shares", classes, 1, classes, 0)]
