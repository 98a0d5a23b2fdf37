"""Resumable uploads: a file arrives in parts, over several requests, and becomes a clip or an item of a scoring batch.

The protocol is tus 1.0.0 (https://tus.io/protocols/resumable-upload) with the extensions creation, expiration, checksum and
termination, so that its clients of many languages work. Each request stores its bytes as one file, a *part*, before a row
refers to it. The row of the upload states how many bytes have arrived without a gap, and only ever increases.
"""
