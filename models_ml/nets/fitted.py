"""The base of networks that are fitted in closed form or by a solver, not trained by gradient."""

from torch import Tensor, nn


class FittedNetwork(nn.Module):
    """A network whose configuration says ``trained_by_gradient = False``."""

    def fit(self, pictures: Tensor, labels: Tensor, balanced: bool) -> None:
        """Set the weights of all members from the training samples; nothing is drawn at random.

        Parameters
        ----------
        pictures
            (N, 3, size, size) float32, at least one sample.
        labels
            (N,) int64, positions of the classes.
        balanced
            Whether each class that occurs weighs the same.
        """
        raise NotImplementedError
