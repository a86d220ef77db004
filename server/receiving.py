"""Taking the bytes of an upload, and looking how many of them are safe."""

from collections.abc import Iterator

from flask import request
from werkzeug.exceptions import ClientDisconnected

from server.content_range import Span, read_span
from server.service import Service, tenant
from server.waiting import client_socket
from speech import uploads
from speech.errors import Gone, InvalidRequest, NotFound
from speech.filesystem import FileStorage
from speech.storage import Storage
from speech.uploads import Upload

PIECE = 65_536  # bytes in memory at once, and the most that a broken connection loses
SILENCE = 60.0  # seconds after which a client that sends nothing is taken for gone


def look(service: Service, upload_id: str) -> tuple[Upload, int]:
    """This tenant's upload, and how many of its bytes are safe; `complete` from the first look at a whole one.

    Raises NotFound("upload_not_found"), or Gone("upload_gone") when the storage has dropped it.
    """
    with service.store.db.read() as connection:
        upload = uploads.get(connection, upload_id, tenant())
    if upload.state == "complete":
        return upload, upload.bytes
    received = service.storage.received(upload.key, upload.bytes, upload.session)
    return _counted(service, upload, received), received


def receive(service: Service, upload_id: str) -> tuple[Upload, int]:
    """Take what this request brings of an upload into a folder; the upload and how many of its bytes are safe.

    A connection that breaks has brought what arrived. Raises Gone("upload_gone"),
    InvalidRequest("upload_range_invalid") and StorageUnavailable.
    """
    try:
        with service.store.db.read() as connection:
            upload = uploads.get(connection, upload_id)
        span = read_span(upload.bytes)
        if upload.state == "complete":
            return upload, upload.bytes
        received = _append(service.storage, upload, span)
        return _counted(service, upload, received), received
    except NotFound:
        raise Gone("upload_gone") from None  # a signed URL named it, so it was there


def _append(storage: Storage, upload: Upload, span: Span | None) -> int:
    if not isinstance(storage, FileStorage):
        raise Gone("upload_gone")  # it was begun before the storage became a bucket
    if span is None:
        return storage.received(upload.key, upload.bytes, None)
    return storage.append(upload.key, upload.bytes, span.start, _pieces(span, upload.bytes))


def _counted(service: Service, upload: Upload, received: int) -> Upload:
    if received != upload.bytes:
        return upload
    with service.store.writing() as tx:
        return uploads.complete(tx, upload, service.settings.upload_ttl)


def _pieces(span: Span, size: int) -> Iterator[bytes]:
    connection, left = client_socket(request.environ), span.end - span.start
    if connection is not None:
        connection.settimeout(SILENCE)
    try:
        while left and (piece := request.stream.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
        more = request.stream.read(1)
    except (ClientDisconnected, OSError):
        return
    if more:
        raise InvalidRequest("upload_range_invalid", param="Content-Range", bytes=size)
