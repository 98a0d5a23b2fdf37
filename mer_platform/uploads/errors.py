"""The errors of resumable uploads, with the statuses that tus gives them."""

from rest_framework import exceptions, status


class Gone(exceptions.APIException):
    """410: the upload was used or deleted, or has expired."""

    status_code = status.HTTP_410_GONE
    default_detail = "This upload was used or deleted, or has expired. Upload the file again."
    default_code = "gone"


class TooLarge(exceptions.APIException):
    """413: more bytes than the file, a request or a clip may have."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class LengthRequired(exceptions.APIException):
    """411: the request does not say how many bytes it carries."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "State how many bytes the request carries in the header Content-Length."
    default_code = "length_required"


class OtherVersion(exceptions.APIException):
    """412: the request follows another version of the protocol, or names none."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "Uploads follow the protocol tus 1.0.0. Send the header “Tus-Resumable: 1.0.0”."
    default_code = "tus_version"


class ChecksumMismatch(exceptions.APIException):
    """460: the bytes were changed on their way, and were not kept."""

    status_code = 460
    default_detail = "The bytes do not have the checksum of the header Upload-Checksum. They were not kept: send them again."
    default_code = "checksum_mismatch"
