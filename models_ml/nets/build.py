"""Build the network that a configuration describes."""

import importlib
from typing import cast

from torch import nn

from models_ml.errors import InputError
from models_ml.nets.base import BaseNet, MissingNet
from models_ml.nets.plugins import network_module


def build(net: BaseNet, members: int = 1, size: int = 28, classes: int = 3) -> nn.Module:
    """Build ``members`` networks side by side, initialised from torch's global random stream.

    Parameters
    ----------
    net
        The configuration, valid for ``size``. Its class lives in ``config.py`` of a folder; the network is the class
        ``Network`` in ``network.py`` next to it, or in the module that the configuration names.
    members
        Number of networks of this shape.
    size
        Side of the input in pixels.
    classes
        Number of outputs.

    Returns
    -------
    nn.Module
        Maps (N, 3, size, size) float32 to (N, members, classes) logits.

    Raises
    ------
    InputError
        The package that defines the network is not installed.

    Examples
    --------
    >>> import torch
    >>> from models_ml.config import VggMSpp
    >>> build(VggMSpp())(torch.zeros(2, 3, 28, 28)).shape
    torch.Size([2, 1, 3])
    """
    if isinstance(net, MissingNet):
        raise InputError(net.missing)
    network = importlib.import_module(network_module(type(net))).Network
    return cast(nn.Module, network(net, members, size, classes))
