"""The stored index of a clip's frame pack: the only place that reads and writes it."""

import json

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.clips.models import Clip
from models_ml.errors import InputError
from models_ml.video.packindex import PackIndex


def read_index(clip: Clip) -> PackIndex:
    """Return the index of the clip's frame pack.

    Raises
    ------
    InputError
        If the index is missing from the storage or damaged.
    """
    try:
        with default_storage.open(clip.index_name) as file:
            return PackIndex.from_json(json.load(file))
    except (FileNotFoundError, ValueError) as error:
        raise InputError(
            f"The frames of {clip} are missing from the storage or damaged: restore them from a backup, "
            "or upload the clip again."
        ) from error


def write_index(clip: Clip, index: PackIndex) -> None:
    """Store the index of the clip's frame pack."""
    content = json.dumps(index.to_json(), separators=(",", ":"))
    default_storage.save(clip.index_name, ContentFile(content.encode()))
