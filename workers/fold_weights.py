"""Keeping the networks of folds, and reading them again."""

import hashlib
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.deletion.services import note_unused, note_used
from mer_platform.experiments.models import Fold, FoldWeights
from mer_platform.storage import store_by_content
from models_ml.errors import InputError
from models_ml.training.model import TrainedModel

FOLDER = "fold-weights"
# A file that no row refers to by then is removed: its bundle was cancelled, or its worker was killed before the commit.
COMMIT_SECONDS = 3600


@dataclass(frozen=True)
class FoldNetwork:
    """A fold's network, serialised: its SHA-256, and its file and bytes if it is kept."""

    sha256: str
    file: str = ""
    size: int = 0


def serialise(model: TrainedModel, keep: bool) -> FoldNetwork:
    """Return the digest of a fold's network. If it is to be kept, store it; ``refer`` makes that last."""
    content = model.save_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if not keep:
        return FoldNetwork(sha256)
    file = f"{FOLDER}/{sha256[:2]}/{sha256}.safetensors"
    note_unused([file], COMMIT_SECONDS)  # first: a killed worker leaves no file that nothing removes
    store_by_content(FOLDER, ContentFile(content), ".safetensors", sha256=sha256)
    return FoldNetwork(sha256, file, len(content))


def refer(networks: dict[int, FoldNetwork]) -> None:
    """Save which folds, by id, the stored networks belong to. Call in the transaction that saves their predictions."""
    kept = {fold: network for fold, network in networks.items() if network.file}
    FoldWeights.objects.filter(fold__in=kept).delete()
    FoldWeights.objects.bulk_create(
        FoldWeights(fold_id=fold, file=network.file, size=network.size) for fold, network in kept.items()
    )
    note_used(network.file for network in kept.values())


def network_of(fold: Fold) -> TrainedModel:
    """Load the network that made a fold's predictions.

    Raises
    ------
    InputError
        It was not kept, has been removed, or its file is damaged.
    """
    weights = FoldWeights.objects.filter(fold=fold).first()
    if weights is None:
        raise InputError(
            f"The network of fold {fold.name} is not kept. Launch the run again and keep its networks."
        )
    try:
        with default_storage.open(weights.file) as file:
            content = file.read()
    except FileNotFoundError:
        raise InputError(
            f"The network of fold {fold.name} is no longer stored. Launch the run again and keep its networks."
        ) from None
    if hashlib.sha256(content).hexdigest() != fold.weights_sha256:
        raise InputError(
            f"The file of the network of fold {fold.name} is not the one that made its predictions. Restore {weights.file} "
            "from a backup, or launch the run again."
        )
    return TrainedModel.load_bytes(content)
