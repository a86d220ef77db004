"""Forms: fields as text, and one file that streams to disk while it is counted and hashed."""

import hashlib
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flask import Request, current_app, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from server.json_body import check_text, parse
from speech.errors import BadMedia, InvalidRequest, TooLarge

FIELD_BYTES = 100_000
PARTS = 40
# Fields whose text is JSON; OpenAI's clients write them one name at a time, as in chunking_strategy[type].
OBJECTS = frozenset({"cue_rules", "names", "vad_parameters", "chunking_strategy"})
_INSIDE = re.compile(r"(\w+)\[(\w+)\]")
_AROUND = 1_048_576  # bytes of headers and fields around the file


class FormFile:
    """One uploaded file in a temporary file that is gone when closed; raises TooLarge while it is written."""

    def __init__(self, limit: int) -> None:
        self.bytes, self._limit, self._sum = 0, limit, hashlib.sha256()
        self._file = tempfile.NamedTemporaryFile(prefix="moksori-upload-")
        self.name = ""  # as the client called it; shown, never used as a path

    def write(self, chunk: bytes) -> int:
        """Take the next bytes."""
        self.bytes += len(chunk)
        if self.bytes > self._limit:
            raise TooLarge("file_too_large", param="file", limit=self._limit)
        self._sum.update(chunk)
        return self._file.write(chunk)

    def seek(self, place: int) -> int:
        """Called by the form parser when the file is whole."""
        self._file.flush()
        return self._file.seek(place)

    def read(self, size: int = -1) -> bytes:
        """The bytes, from the present place."""
        return self._file.read(size)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    @property
    def path(self) -> Path:
        """Where the bytes are while this is open."""
        return Path(self._file.name)

    @property
    def sha256(self) -> str:
        """The checksum of what was written, hex."""
        return self._sum.hexdigest()


class _LoudParser(FormDataParser):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "silent": False})


class SpeechRequest(Request):
    """A request whose files stream into `FormFile`s, removed when it ends."""

    form_data_parser_class = _LoudParser
    max_form_memory_size = FIELD_BYTES
    max_form_parts = PARTS

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        file = FormFile(current_app.extensions["moksori"].settings.form_limit)
        self.form_files.append(file)
        return file  # type: ignore[return-value]

    @property
    def form_files(self) -> list[FormFile]:
        """The files of this request so far."""
        made: list[FormFile] = self.__dict__.setdefault("_form_files", [])
        return made


def close_files(_error: BaseException | None = None) -> None:
    """Remove the temporary files of a request that is over."""
    for file in getattr(request, "form_files", ()):
        file.close()


@dataclass(frozen=True)
class Form:
    """A form's fields by name (a list where a name stands often), and its file."""

    fields: dict[str, Any]
    file: FormFile | None


def is_form() -> bool:
    """Whether the request's body is a form."""
    return request.mimetype in {"multipart/form-data", "application/x-www-form-urlencoded"}


def read_form(limit: int, lists: frozenset[str] = frozenset()) -> Form:
    """The form of this request; names in `lists` may repeat, also written with `[]`. Empty fields count as left out.

    A field of OBJECTS holds JSON, or stands as `field[name]` for each name in it.

    Raises InvalidRequest("broken_form"), ("field_twice"), ("bad_text"), TooLarge("form_too_large"),
    TooLarge("file_too_large") or BadMedia("media_empty").
    """
    _parse(limit)
    fields: dict[str, Any] = {}
    for given, values in request.form.lists():
        name = given.removesuffix("[]")
        values = [value for value in values if value]
        for value in values:
            check_text(value, given)
        inside = _INSIDE.fullmatch(given)
        if inside and inside[1] in OBJECTS and len(values) == 1:
            fields.setdefault(inside[1], {})[inside[2]] = values[0]
        elif name in lists:
            fields.setdefault(name, []).extend(values)
        elif len(values) > 1 or name in fields:
            raise InvalidRequest("field_twice", param=given)
        elif values:
            fields[name] = values[0]
    full = {name: _value(name, given) for name, given in fields.items() if given}
    return Form(full, _file())


def _value(name: str, value: Any) -> Any:
    if name not in OBJECTS or isinstance(value, dict) or value == "auto":
        return value
    try:
        return parse(value.encode())
    except InvalidRequest as error:
        error.param = name
        raise


def _parse(limit: int) -> None:
    most = limit + _AROUND if request.mimetype == "multipart/form-data" else _AROUND
    request.max_content_length = most
    try:
        request.form  # noqa: B018 - this reads and parses the body
    except RequestEntityTooLarge:
        raise TooLarge(
            "form_too_large", limit=limit, fields=PARTS, field_bytes=FIELD_BYTES
        ) from None
    except ClientDisconnected:
        raise
    except ValueError as error:
        raise InvalidRequest("broken_form", reason=str(error)[:200]) from None


def _file() -> FormFile | None:
    given = [(name, file) for name, files in request.files.lists() for file in files]
    for name, _ in given:
        if name != "file":
            raise InvalidRequest("unknown_field", param=name[:80], known=["file"])
    if len(given) > 1:
        raise InvalidRequest("field_twice", param="file")
    if not given:
        return None
    file: FormFile = given[0][1].stream  # type: ignore[assignment]
    # macOS sends names decomposed (NFD); a name is only ever shown, and shown composed.
    file.name = unicodedata.normalize("NFC", given[0][1].filename or "")[:255]
    if not file.bytes:
        raise BadMedia("media_empty", param="file")
    return file
