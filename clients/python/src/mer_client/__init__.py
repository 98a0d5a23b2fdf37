"""Client of MER Platform.

>>> from mer_client import Client
>>> with Client("http://localhost:8000", "mer_…") as mer:  # doctest: +SKIP
...     table = mer.score(["a.mp4", "b.mp4"], model="@production")
"""

__version__ = "0.2.0.dev0"

from mer_client.client import AsyncClient, Client
from mer_client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    ConnectionFailed,
    Damaged,
    FieldError,
    Gone,
    MerError,
    NotAllowed,
    NotAuthenticated,
    NotConfigured,
    NotFound,
    ServerError,
    Throttled,
    TookTooLong,
    TooLarge,
    WorkFailed,
)
from mer_client.progressive import PredictionLog
from mer_client.resources import (
    Annotation,
    Batch,
    Clip,
    Database,
    Experiment,
    Model,
    Project,
    Run,
    Score,
    Version,
)

__all__ = [
    "Annotation",
    "ApiError",
    "AsyncClient",
    "BadRequest",
    "Batch",
    "Client",
    "Clip",
    "Conflict",
    "ConnectionFailed",
    "Damaged",
    "Database",
    "Experiment",
    "FieldError",
    "Gone",
    "MerError",
    "Model",
    "NotAllowed",
    "NotAuthenticated",
    "NotConfigured",
    "NotFound",
    "PredictionLog",
    "Project",
    "Run",
    "Score",
    "ServerError",
    "Throttled",
    "TooLarge",
    "TookTooLong",
    "Version",
    "WorkFailed",
]  # fmt: skip
