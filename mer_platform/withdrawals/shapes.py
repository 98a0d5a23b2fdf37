"""The shapes of JSON that withdrawals store."""

from pydantic import BaseModel


class MarkedVersion(BaseModel):
    """What became of a frozen version. ``confirmed``: its hash was computed again from its samples before."""

    version: int
    name: str
    samples: int
    content_hash: str
    confirmed: bool
    hash_with_tombstones: str
