"""What the networks of transformer layers ask of their settings."""

from typing import Any

from pydantic import Field

from models_ml.config_base import ShapeError, located


def patch_field(default: int) -> Any:
    """Side of the patches that a picture is cut into."""
    return Field(
        default,
        ge=1,
        le=64,
        title="Patch",
        description="Side of the patches, in pixels; it divides the feature size.",
    )


def patches_a_side(size: int, patch: int) -> int:
    """How many patches a picture has a side. Raises ShapeError where they do not fill it.

    >>> patches_a_side(28, 4)
    7
    """
    if size % patch:
        fitting = [str(side) for side in range(2, size) if size % side == 0]
        raise ShapeError(
            f"a {size}×{size} picture cannot be cut into patches of {patch}×{patch}: choose a patch that divides "
            f"{size} ({', '.join(fitting or ['1'])}) or another feature size",
            "patch",
        )
    return size // patch


def check_heads(width: int | None, heads: int) -> int:
    """The heads, which must share out the width evenly; a width that is wrong itself is None."""
    if width is not None and width % heads:
        raise located(
            (),
            heads,
            f"{heads} heads cannot share out a width of {width} evenly: choose heads that divide {width}, or another width",
        )
    return heads
