"""What a network makes of its input, layer by layer, without building it: maps, parameters, multiply-adds.

The web shows this while a configuration is typed in, where torch is not loaded; a test holds it against the built networks.
"""

from dataclasses import dataclass

from models_ml.config_base import ShapeError

MLP_RATIO = 4  # hidden units of a transformer layer's perceptron, for each channel


@dataclass(frozen=True)
class Layer:
    """One layer with trained weights.

    channels, side : of the map it leaves, after its pooling; side is 1 for a vector
    parameters : trained weights, those of its batch normalisation included
    multiply_adds : for one sample
    """

    name: str
    channels: int
    side: int
    parameters: int
    multiply_adds: int


class Shapes:
    """Walks through a network: ``channels`` and ``side`` are those of the map reached so far.

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
        """A convolution and its pooling (window, stride, padding). Raises ShapeError where nothing is left of the map."""
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
        """A fully connected layer on ``inputs`` numbers, by default the whole map."""
        weights = units * (inputs if inputs is not None else self.channels * self.side**2)
        self.channels, self.side = units, 1
        self._add(name, weights + units + (2 * units if batch_norm else 0), weights)

    def transformer(self, name: str, layers: int, cuts: int = 1) -> None:
        """Transformer layers on the places of the map, which see each other within each of ``cuts`` × ``cuts`` blocks."""
        width, places = self.channels, self.side**2
        weights = (4 + 2 * MLP_RATIO) * width**2  # queries, keys, values, output; hidden layer in and out
        parameters = (
            weights + (6 + MLP_RATIO) * width
        )  # two normalisations; biases, which the first three lack
        seen = places // cuts**2
        self._add(name, layers * parameters, layers * places * (weights + 2 * seen * width))

    def other(self, name: str, parameters: int, multiply_adds: int) -> None:
        """Anything else, which leaves ``channels`` and ``side`` as they were set."""
        self._add(name, parameters, multiply_adds)

    def pool(self, name: str, kernel: int, stride: int, padding: int = 0, field: str = "name") -> None:
        before, self.side = self.side, window(self.side, kernel, stride, padding)
        if self.side < 1:
            raise self._nothing_left(name, f"a {kernel}×{kernel} pooling", before, field)

    def _add(self, name: str, parameters: int, multiply_adds: int) -> None:
        self.layers.append(Layer(name, self.channels, self.side, parameters, multiply_adds))

    def _nothing_left(self, name: str, what: str, before: int, field: str) -> ShapeError:
        size = self.input_side
        remedy = "choose another network" if field == "name" else "use fewer layers"
        return ShapeError(
            f"nothing is left of the {before}×{before} map after {name}, which ends in {what} "
            f"(input {size}×{size}): {remedy} or a larger feature size",
            field,
        )


def window(side: int, kernel: int, stride: int, padding: int) -> int:
    """Side of the map that a square window leaves of one of ``side``; less than 1 where nothing is left.

    >>> window(28, 5, 2, 2), window(14, 3, 2, 0), window(2, 3, 1, 0)
    (14, 6, 0)
    """
    return (side + 2 * padding - kernel) // stride + 1
