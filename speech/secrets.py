"""Secret settings: from a variable, or from the file that MOKSORI_…_FILE names; examples are refused."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What stands in documents and old set-ups, and is tried first by whoever gets in.
EXAMPLES = frozenset(
    "admin changeme change-me change_me default example guest moksori password pass postgres rabbitmq root secret "
    "test tts123 user 123456 12345678".split()
)
SHORTEST = 16  # characters of a key that signs


class UnfitSecret(ValueError):
    """A secret that cannot be read, or that must not be used; the sentence never shows it."""


def secret_text(name: str, env: Mapping[str, str]) -> str | None:
    """The secret `name`, from the file of `{name}_FILE` before the variable itself; None when neither is there.

    Raises UnfitSecret.
    """
    file = env.get(f"{name}_FILE")
    text = _read(name, file) if file else env.get(name)
    if text and _is_example(text):
        raise UnfitSecret(
            f"{name} holds an example password. Make one of your own: deploy/secrets.sh"
        )
    return text


def _read(name: str, file: str) -> str:
    try:
        text = Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnfitSecret(f"{name}_FILE={file} cannot be read ({error})") from None
    if not text:
        raise UnfitSecret(f"{name}_FILE={file} is empty. Fill it: deploy/secrets.sh")
    return text


def _is_example(text: str) -> bool:
    """True for a signing key that is short or known, and for a URL with a known password that leaves this machine."""
    if "://" not in text:
        return len(text) < SHORTEST or text.lower() in EXAMPLES
    try:
        url = urlsplit(text)
        return not _is_here(url.hostname or "") and unquote(url.password or "x").lower() in EXAMPLES
    except ValueError:
        return False  # whoever opens it says what is wrong with it


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"", "localhost"}
