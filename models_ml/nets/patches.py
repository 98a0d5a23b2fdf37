"""Settings that the networks of transformer layers share. Imports no torch."""

from typing import Any

from pydantic import Field

from models_ml.config_base import ShapeError, located


def patch_field(default: int) -> Any:
    """Return the setting for the side of the patches that an image is cut into."""
    return Field(
        default,
        ge=1,
        le=64,
        title="Patch",
        description="Side of the patches in pixels; must divide the feature size.",
    )


def patches_per_side(size: int, patch: int) -> int:
    """Return how many patches fit along a side of an image. Raises ShapeError where they do not fill it.

    >>> patches_per_side(28, 4)
    7
    """
    if size % patch:
        fitting = [str(side) for side in range(2, size) if size % side == 0]
        raise ShapeError(
            f"A {size}×{size} image cannot be cut into patches of {patch}×{patch}. Choose a patch that divides {size} "
            f"({', '.join(fitting or ['1'])}) or another feature size.",
            "patch",
        )
    return size // patch


def check_heads(width: int | None, heads: int) -> int:
    """Return ``heads`` if they divide ``width``. A width that is not valid itself is None and is not checked."""
    if width is not None and width % heads:
        raise located(
            (),
            heads,
            f"A width of {width} cannot be divided among {heads} heads. Choose heads that divide {width}, or another width.",
        )
    return heads
