"""Batches of POST /v1/jobs: many jobs in one call, from a list in the body or a manifest in the bucket."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from typing import Any

from server.bodies import JOB_BODIES, BatchBody
from server.checking import Body, check
from server.json_body import check_text, parse
from server.orders import Order
from server.places import input_place, output_keys
from server.service import Service
from speech.errors import InvalidRequest, NotFound, SpeechError, TooLarge
from speech.family import seconds_of
from speech.jobs import NewJob

INDEX = "index.json"
ONLY_THE_BATCH = ("priority", "ttl")
PLACES = ("output", "overwrite")  # of an item, when the batch has no output of its own
RECORDINGS = ("input", "url", "upload")
MANIFEST_BYTES = 16_777_216


def batch_order(service: Service, body: BatchBody, order: Callable[[Any], NewJob]) -> Order:
    """The order of a batch; `order` makes a job of an item's checked body.

    Raises InvalidRequest("one_input"), ("only_the_items"), ("only_the_batch"), ("not_one_of"), TooLarge("too_many")
    and what the items' own orders raise, with the item's place.
    """
    items = [
        _item(place, _whole(body, place, item), order)
        for place, item in enumerate(_asked(service, body))
    ]
    request = {"items": len(items)} | seconds_of(item.request for item in items)
    promised = output_keys(service, body.output, [INDEX]) if body.output else ()
    batch = NewJob(
        kind="batch", lane=items[0].lane, request=request, priority=body.priority, ttl=body.ttl,
        outputs=promised, promised=(INDEX,) if promised else (), overwrite=body.overwrite,
    )  # fmt: skip
    return Order(batch, children=items)


def _asked(service: Service, body: BatchBody) -> list[dict[str, Any]]:
    """The items as they were given, a place alone as `input`."""
    ways = {"items": body.items, "inputs": body.inputs, "manifest": body.manifest}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        raise InvalidRequest("one_input", param="items", allowed=list(ways))
    for name in () if body.items else RECORDINGS:
        if name in (body.job or {}):
            raise InvalidRequest("only_the_items", param=f"job.{name}", items=given[0])
    limit, param = service.settings.batch_max_items, given[0]
    found: list[Any] = body.items or body.inputs or []
    if body.manifest is not None:
        found = list(_lines(_read(service, body.manifest), limit))
    if len(found) > limit:
        raise TooLarge("too_many", param=param, limit=limit)
    if not found:
        raise InvalidRequest("too_few", param=param, limit=1)
    return [{"input": one} if isinstance(one, str) else one for one in found]


def _read(service: Service, manifest: str) -> bytes:
    place = input_place(service, manifest, "manifest")
    if "key" not in place:
        raise InvalidRequest("manifest_in_bucket", param="manifest")
    stored = service.storage.stat(place["key"])
    if stored is None:
        raise NotFound("object_not_found", param="manifest")
    if stored.size > MANIFEST_BYTES:
        raise TooLarge("file_too_large", param="manifest", limit=MANIFEST_BYTES)
    return b"".join(service.storage.open(place["key"]))


def _lines(data: bytes, limit: int) -> Iterator[Any]:
    """A place a line, or a JSON object a line; one more than `limit` tells that there are too many."""
    count = 0
    for number, line in enumerate(data.removeprefix(BOM_UTF8).splitlines()):
        text = line.strip()
        if not text or count > limit:
            continue
        count += 1
        try:
            yield parse(text) if text.startswith(b"{") else _plain(text)
        except SpeechError as error:
            error.param = f"manifest.{number}"
            raise


def _plain(text: bytes) -> str:
    try:
        place = text.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("bad_text") from None
    check_text(place)
    return place


def _whole(body: BatchBody, place: int, item: dict[str, Any]) -> dict[str, Any]:
    """An item with what the batch says for all, and a folder of its own below the batch's output."""
    for name in (*ONLY_THE_BATCH, *(PLACES if body.output else ())):
        if name in item or name in (body.job or {}):
            raise InvalidRequest("only_the_batch", param=f"items.{place}.{name}")
    whole: dict[str, Any] = {"kind": "transcription"} if body.items is None else {}
    whole |= (body.job or {}) | item
    if body.output:
        start = body.output.rstrip("/")
        whole |= {"output": f"{start}/{place:05d}", "overwrite": body.overwrite}
    return whole


def _item(place: int, item: dict[str, Any], order: Callable[[Body], NewJob]) -> NewJob:
    kinds = [kind for kind in JOB_BODIES if kind != "batch"]
    kind = item.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidRequest("not_one_of", param=f"items.{place}.kind", allowed=", ".join(kinds))
    try:
        return order(check(JOB_BODIES[kind], item))
    except SpeechError as error:
        if error.code == "one_input":  # an item has no file beside it
            error.param, error.fields["allowed"] = "input", list(RECORDINGS)
        error.param = f"items.{place}.{error.param}"
        raise
