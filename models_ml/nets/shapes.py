"""Sizes of a network's layers, computed without building it: maps, parameters, multiply-adds. Imports no torch.

The launch page shows them while someone fills in a configuration. A test compares them with the networks that are built.
"""

from dataclasses import dataclass

from models_ml.config_base import ShapeError

MLP_RATIO = 4  # hidden units per channel in the perceptron of a transformer layer


@dataclass(frozen=True)
class Layer:
    """One layer with trained weights.

    Attributes
    ----------
    name
        Shown to users.
    channels
        Channels of its output.
    side
        Side of its output in pixels, after its pooling; 1 for a vector.
    parameters
        Trained weights, including its batch normalisation.
    multiply_adds
        For one sample.
    """

    name: str
    channels: int
    side: int
    parameters: int
    multiply_adds: int


class Shapes:
    """A walk through a network, layer by layer.

    ``channels`` and ``side`` describe the map reached so far.

    >>> shapes = Shapes(channels=3, side=28)
    >>> shapes.conv("layer 1", channels=12, kernel=5, stride=2, padding=2, pool=(3, 2, 0))
    >>> shapes.linear("classifier", 3)
    >>> shapes.layers[0]
    Layer(name='layer 1', channels=12, side=6, parameters=912, multiply_adds=176400)
    >>> shapes.layers[1].parameters
    1299
    """

    def __init__(self, channels: int, side: int) -> None:
        self.input_side = side
        self.channels, self.side = channels, side
        self.layers: list[Layer] = []

    def conv(
        self,
        name: str,
        channels: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        pool: tuple[int, int, int] | None = None,
        batch_norm: bool = False,
        bias: bool = True,
        groups: int = 1,
        field: str = "name",
    ) -> None:
        """Add a convolution and its pooling (window, stride, padding).

        ``field`` is the setting to change if nothing is left of the map; then ShapeError is raised.
        """
        before, out = self.side, window(self.side, kernel, stride, padding)
        if out < 1:
            raise self._nothing_left(name, f"a {kernel}×{kernel} convolution", before, field)
        weights = channels * (self.channels // groups) * kernel**2
        parameters = weights + (channels if bias else 0) + (2 * channels if batch_norm else 0)
        self.side = out
        if pool is not None:
            self.side = window(out, *pool)
            if self.side < 1:
                raise self._nothing_left(name, f"a {pool[0]}×{pool[0]} pooling", before, field)
        self.channels = channels
        self._add(name, parameters, weights * out**2)

    def linear(self, name: str, units: int, inputs: int | None = None, batch_norm: bool = False) -> None:
        """Add a fully connected layer on ``inputs`` numbers, by default the whole map."""
        weights = units * (inputs if inputs is not None else self.channels * self.side**2)
        self.channels, self.side = units, 1
        self._add(name, weights + units + (2 * units if batch_norm else 0), weights)

    def transformer(self, name: str, layers: int, cuts: int = 1) -> None:
        """Add transformer layers whose attention stays within each of ``cuts`` × ``cuts`` blocks of the map."""
        width, positions = self.channels, self.side**2
        weights = (4 + 2 * MLP_RATIO) * width**2  # queries, keys, values, output; hidden layer in and out
        # Two normalisations, and the biases; queries, keys and values have none.
        parameters = weights + (6 + MLP_RATIO) * width
        seen = positions // cuts**2
        self._add(name, layers * parameters, layers * positions * (weights + 2 * seen * width))

    def other(self, name: str, parameters: int, multiply_adds: int) -> None:
        """Add a layer of any other form. Set ``channels`` and ``side`` before, if it changes them."""
        self._add(name, parameters, multiply_adds)

    def pool(self, name: str, kernel: int, stride: int, padding: int = 0, field: str = "name") -> None:
        """Pool the map. Raises ShapeError where nothing is left of it."""
        before, self.side = self.side, window(self.side, kernel, stride, padding)
        if self.side < 1:
            raise self._nothing_left(name, f"a {kernel}×{kernel} pooling", before, field)

    def _add(self, name: str, parameters: int, multiply_adds: int) -> None:
        self.layers.append(Layer(name, self.channels, self.side, parameters, multiply_adds))

    def _nothing_left(self, name: str, what: str, before: int, field: str) -> ShapeError:
        size = self.input_side
        remedy = "Choose another network" if field == "name" else "Use fewer layers"
        return ShapeError(
            f"Nothing is left of the {before}×{before} map after {name}, which ends with {what} "
            f"(input {size}×{size}). {remedy} or a larger feature size.",
            field,
        )


def window(side: int, kernel: int, stride: int, padding: int) -> int:
    """Return the side of a map after a square window; less than 1 where nothing is left.

    >>> window(28, 5, 2, 2), window(14, 3, 2, 0), window(2, 3, 1, 0)
    (14, 6, 0)
    """
    return (side + 2 * padding - kernel) // stride + 1
