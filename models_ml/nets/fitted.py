"""The base of networks that are fitted in closed form or by a solver, not trained by gradient."""

from torch import Tensor, nn


class FittedNetwork(nn.Module):
    """A network whose configuration says ``trained_by_gradient = False``."""

    def fit(self, images: Tensor, labels: Tensor, balanced: bool) -> None:
        """Fit all members to the training samples. Nothing is drawn at random, so the members become equal.

        Parameters
        ----------
        images
            (N, 3, size, size) float32, at least one sample.
        labels
            (N,) int64, positions of the classes.
        balanced
            Whether each class that occurs has the same weight.
        """
        raise NotImplementedError
