"""Each kind of error that passes by itself is known as one, and no other is."""

import errno

import av
import pytest
import urllib3
from botocore import exceptions as botocore

from models_ml.errors import InputError
from models_ml.outages import outage, raise_outage


def answer(code: str, status: int) -> botocore.ClientError:
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return botocore.ClientError(response, "PutObject")


ADDRESS = {"endpoint_url": "http://store"}
PASSING = {
    "the disk is full": [OSError(errno.ENOSPC, "x"), OSError(errno.EDQUOT, "x")],
    "the disk does not answer": [
        OSError(errno.EIO, "x"),
        OSError(errno.EROFS, "x"),
        OSError(errno.ESTALE, "x"),
    ],
    "the machine has too much to do": [OSError(errno.EMFILE, "x")],
    "the storage does not answer": [
        ConnectionRefusedError(errno.ECONNREFUSED, "x"),
        ConnectionResetError(errno.ECONNRESET, "x"),
        BrokenPipeError(errno.EPIPE, "x"),
        TimeoutError("x"),
        OSError(errno.EHOSTUNREACH, "x"),
        botocore.EndpointConnectionError(**ADDRESS),
        botocore.ConnectTimeoutError(**ADDRESS),
        botocore.ReadTimeoutError(**ADDRESS),
        botocore.ConnectionClosedError(**ADDRESS),
        botocore.ResponseStreamingError(error="x"),
        botocore.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        urllib3.exceptions.ReadTimeoutError(None, "", "x"),
        urllib3.exceptions.ProtocolError("x"),
    ],
    "the storage has too much to do": [
        answer("SlowDown", 503),
        answer("InternalError", 500),
        answer("", 502),
        answer("Throttling", 400),
        answer("RequestTimeout", 400),
        answer("TooManyRequests", 429),
    ],
    "the storage is full": [answer("XMinioStorageFull", 507), answer("QuotaExceeded", 403)],
}
STAYING = [
    FileNotFoundError(errno.ENOENT, "x"),
    PermissionError(errno.EACCES, "x"),
    OSError(errno.EFBIG, "x"),
    ValueError("x"),
    InputError("The clip has no frames."),
    answer("NoSuchKey", 404),
    answer("AccessDenied", 403),
    av.error.OSError(errno.EIO, "Input/output error"),  # what FFmpeg says of a file that is cut off
]


@pytest.mark.parametrize(
    ("error", "reason"), [(error, reason) for reason, errors in PASSING.items() for error in errors], ids=repr
)
def test_an_error_that_passes_by_itself_is_an_outage(error, reason):
    assert outage(error) == reason
    hidden = InputError("“img1.jpg” cannot be read.")
    hidden.__cause__ = error
    with pytest.raises(InputError):
        raise_outage(hidden)


@pytest.mark.parametrize("error", STAYING, ids=repr)
def test_an_error_that_stays_is_none(error):
    assert outage(error) == ""
    raise_outage(error)
