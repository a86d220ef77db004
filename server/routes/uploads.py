"""Uploads: large files, sent in pieces to the bucket or to us, and named by jobs once they are whole."""

import unicodedata
import uuid
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, jsonify, request

from server.bodies import UploadBody
from server.checking import check
from server.contract import BYTES, JSON, Told, tells
from server.json_body import read_json
from server.origins import is_origin
from server.receiving import look, receive
from server.service import Service, here, tenant
from server.shapes import UploadShape
from speech import erasing, uploads
from speech.errors import TooLarge, Unavailable
from speech.jobs import rfc3339
from speech.uploads import Upload

routes = Blueprint("uploads", __name__)
CHUNK = 262_144  # bytes; a bucket takes whole multiples of it, but for the last piece


@routes.post("/v1/uploads")
@tells(Told(body={JSON: (UploadBody,)}, answers={201: UploadShape}, scope="transcribe"))
def create() -> Response:
    """Begin the upload of one file; 201 with the URL that takes its bytes."""
    service = here()
    body = check(UploadBody, read_json(service.settings.json_max_bytes))
    response = _shown(service, _begun(service, body), 0)
    response.status_code = 201
    return response


@routes.get("/v1/uploads/<upload_id>")
@tells(Told(answers={200: UploadShape}, scope="transcribe"))
def show(upload_id: str) -> Response:
    """Show one upload, with how many of its bytes are safe."""
    service = here()
    return _shown(service, *look(service, upload_id))


@routes.delete("/v1/uploads/<upload_id>")
@tells(Told(answers={204: "none"}, scope="transcribe"))
def give_up(upload_id: str) -> Response:
    """Give an upload up and remove its bytes, unless a job has them as its input."""
    service = here()
    with service.store.writing() as tx:
        upload = uploads.get(tx.connection, upload_id, tenant())
        goes = erasing.take_upload(tx, upload)
    if goes:
        with suppress(Unavailable):  # then the purge removes it
            service.storage.abandon_upload(upload.key, upload.session)
    return Response(status=204)


@routes.put("/uploads/<token>")
@tells(Told(body={BYTES: ()}, answers={200: UploadShape, 308: "none"}, open=True))
def put(token: str) -> Response:
    """Take the bytes that Content-Range names, or say how many are safe: 308 until the file is whole."""
    service = here()
    with service.receiving.place():
        upload, received = receive(service, service.links.read_upload(token))
    if upload.state == "complete":
        return _shown(service, upload, received)
    response = Response(status=308)
    response.headers["Cache-Control"] = "no-store"
    if received:
        response.headers["Range"] = f"bytes=0-{received - 1}"
    return response


def _begun(service: Service, body: UploadBody) -> Upload:
    limit = service.settings.upload_max_bytes
    if body.bytes > limit:
        raise TooLarge("upload_too_large", param="bytes", limit=limit)
    upload_id, owner = str(uuid.uuid4()), tenant()
    key = f"t/{owner}/inputs/{upload_id}"
    origin = request.headers.get("Origin")
    session = service.storage.begin_upload(
        key, body.bytes, body.content_type, upload_id, origin if is_origin(origin) else None
    )
    name = unicodedata.normalize("NFC", body.name)[:255]
    with service.store.writing() as tx:
        return uploads.add(
            tx, service.settings.upload_ttl, id=upload_id, tenant=owner, key=key, name=name,
            bytes=body.bytes, content_type=body.content_type, session=session,
        )  # fmt: skip


def _shown(service: Service, upload: Upload, received: int) -> Response:
    response = jsonify(_json(service, upload, received))
    response.headers["Cache-Control"] = "no-store"
    return response


def _json(service: Service, upload: Upload, received: int) -> dict[str, Any]:
    url = upload.session or service.links.upload_url(upload.id, upload.expires)
    return {
        "id": upload.id,
        "object": "upload",
        "state": upload.state,
        "name": upload.name,
        "bytes": upload.bytes,
        "content_type": upload.content_type,
        "received": received,
        "url": url if upload.state == "open" else None,
        "method": "PUT",
        "chunk_bytes": CHUNK,
        "created_at": rfc3339(upload.created),
        "expires_at": rfc3339(upload.expires),
    }
