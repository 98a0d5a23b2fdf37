"""Store a folder of frame images as one zip: the same frames always give the same bytes."""

import zipfile
from collections.abc import Iterable
from typing import BinaryIO

_THEN = (1980, 1, 1, 0, 0, 0)  # the zip format's first day
_UNIX = 3
_MODE = 0o100644


def write_frame_zip(file: BinaryIO, frames: Iterable[tuple[str, bytes]]) -> None:
    """Write frame images as an uncompressed zip; labs with the same images get the same SHA-256.

    Time, mode and owner of the image files are not stored.

    Parameters
    ----------
    file
        An empty file, opened for writing.
    frames
        File name without folder and content of each frame, in order.

    Examples
    --------
    >>> import hashlib, io
    >>> file = io.BytesIO()
    >>> write_frame_zip(file, [("img1.jpg", b"one"), ("img2.jpg", b"two")])
    >>> hashlib.sha256(file.getvalue()).hexdigest()[:16]
    '26c65c132b6e2ede'
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in frames:
            member = zipfile.ZipInfo(name, _THEN)
            member.create_system, member.external_attr = _UNIX, _MODE << 16
            archive.writestr(member, content)
