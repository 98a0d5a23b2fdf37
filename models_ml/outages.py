"""Errors that pass by themselves: a full disk, a storage that does not answer. The same work succeeds later.

This is the one place that distinguishes them from errors of the input and of the code.
"""

import errno
import sys

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DISK = frozenset({errno.EIO, errno.EROFS, errno.ESTALE, errno.ENODEV, errno.ENOTCONN})
_BUSY = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EAGAIN, errno.EBUSY})
_NETWORK = frozenset(
    {
        errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ETIMEDOUT, errno.ENETDOWN,
        errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH,
    }
)  # fmt: skip
# What S3 and its kin answer when the same request succeeds later, next to all statuses from 500 on.
_S3_CODES = frozenset(
    {
        "SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
        "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded",
        "ProvisionedThroughputExceededException", "RequestTimeout", "RequestTimeoutException", "InternalError",
        "ServiceUnavailable", "OperationAborted", "PriorRequestNotComplete", "ExpiredToken",
    }
)  # fmt: skip
_S3_FULL = frozenset({"QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity", "EntityTooLargeForQuota"})
_TOO_MANY, _REQUEST_TIMEOUT, _SERVER, _FULL_STATUS = 429, 408, 500, 507
DISK_FULL = "the disk is full"
STORE_FULL = "the storage is full"
_LONGEST_CHAIN = 10


def outage(error: BaseException | None) -> str:
    """Return what is out of order, as the start of a sentence, or "" for an error that stays.

    An error counts if an outage is its cause (``raise … from``): a sentence about a file that could not be read may hide a
    disk that did not answer.

    >>> outage(OSError(errno.ENOSPC, "No space left on device"))
    'the disk is full'
    >>> outage(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
    'the storage does not answer'
    >>> outage(FileNotFoundError(errno.ENOENT, "No such file"))
    ''
    """
    for _ in range(_LONGEST_CHAIN):
        if error is None:
            break
        if found := _of_system(error) or _of_store(error):
            return found
        error = error.__cause__
    return ""


def raise_outage(error: BaseException) -> None:
    """Raise the error again if an outage is behind it: call this before the error is recorded as one of the input."""
    if outage(error):
        raise error


def _of_system(error: BaseException) -> str:
    # PyAV's errors are OSErrors too, but speak of the content of a file: a damaged one gives EIO.
    if not isinstance(error, OSError) or type(error).__module__.partition(".")[0] == "av":
        return ""
    if error.errno in FULL:
        return DISK_FULL
    if isinstance(error, ConnectionError | TimeoutError) or error.errno in _NETWORK:
        return "the storage does not answer"
    if error.errno in _DISK:
        return "the disk does not answer"
    return "the machine has too much to do" if error.errno in _BUSY else ""


def _of_store(error: BaseException) -> str:
    """Judge errors of an object store and of HTTP. Their libraries are loaded only where a store is used."""
    botocore, urllib3 = sys.modules.get("botocore.exceptions"), sys.modules.get("urllib3.exceptions")
    if botocore is not None:
        if isinstance(error, botocore.ClientError):
            return _of_answer(error.response)
        if isinstance(
            error,
            botocore.HTTPClientError
            | botocore.ConnectionError
            | botocore.IncompleteReadError
            | botocore.CredentialRetrievalError
            | botocore.MetadataRetrievalError,
        ):
            return "the storage does not answer"
    if urllib3 is not None and isinstance(error, urllib3.TimeoutError | urllib3.ProtocolError):
        return "the storage does not answer"
    return ""


def _of_answer(answer: dict[str, object]) -> str:
    about, meta = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    code = str(about.get("Code", "")) if isinstance(about, dict) else ""
    status = meta.get("HTTPStatusCode", 0) if isinstance(meta, dict) else 0
    if code in _S3_FULL or status == _FULL_STATUS:
        return STORE_FULL
    is_passing = code in _S3_CODES or status in (_TOO_MANY, _REQUEST_TIMEOUT) or status >= _SERVER
    return "the storage has too much to do" if is_passing else ""
