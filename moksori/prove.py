"""The service proves itself through its own HTTP API: it speaks a greeting and transcribes what it said."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

GREETING = "안녕하세요. 만나서 반갑습니다."
WAIT = 300.0  # seconds


def prove_it(base: str, say: Callable[[str], None], key: str = "") -> bool:
    """One real job each way; prints the WAV's URL, the transcript and the page's URL. False if either failed.

    `key`: the API key to send, where the service asks for one.
    """
    who = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        say(f"Speaking with member 1: {GREETING}")
        spoken = _post(
            f"{base}/api/texts",
            {
                "uuid": str(uuid.uuid4()),
                "member_id": 1,
                "text": GREETING,
                "created_at": date.today().isoformat(),
            },
            who,
        )
        say(f"  WAV: {spoken['url']}")
        with urllib.request.urlopen(spoken["url"], timeout=WAIT) as answer:
            wav = answer.read()
        say(f"Transcribing that WAV ({len(wav) // 1024} KB)")
        heard = _post_file(
            f"{base}/v1/audio/transcriptions", wav, {"model": "whisper-1", "language": "ko"}, who
        )
        say(f"  Transcript: {heard['text'].strip()}")
    except urllib.error.HTTPError as error:
        say(f"  failed: {error.code} {error.read().decode(errors='replace')}")
        if error.code in (401, 403):
            say("  MOKSORI_API_KEY may name a key with the scopes speak and transcribe.")
        return False
    except (OSError, KeyError, ValueError) as error:
        say(f"  failed: {error}")
        return False
    say(f"The page: {base}/")
    return bool(heard["text"].strip())


def _post(url: str, body: dict[str, Any], who: dict[str, str]) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **who}
    )
    with urllib.request.urlopen(request, timeout=WAIT) as answer:
        return json.load(answer)


def _post_file(url: str, wav: bytes, fields: dict[str, str], who: dict[str, str]) -> Any:
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts.append(
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="hello.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n".encode()
    )
    body = b"".join(parts) + wav + f"\r\n--{mark}--\r\n".encode()
    request = urllib.request.Request(
        url, body, {"Content-Type": f"multipart/form-data; boundary={mark}", **who}
    )
    with urllib.request.urlopen(request, timeout=WAIT) as answer:
        return json.load(answer)
