"""The page's Content-Security-Policy: inline script and style by hash, links to us and the storage, no more."""

import base64
import hashlib
import re
from urllib.parse import urlsplit

from speech.settings import Settings

GOOGLE = "https://storage.googleapis.com"
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def page_policy(html: str, settings: Settings) -> str:
    """The header's value for a page with inline <script> and <style> elements."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    links = " ".join(dict.fromkeys(_origins(settings)))
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(hashes['script'])}",
            f"style-src {' '.join(hashes['style'])}",
            f"connect-src 'self' {links}",
            f"media-src 'self' blob: {links}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _origins(settings: Settings) -> list[str]:
    urls = [settings.links_url]
    if settings.artifacts_url.startswith("gs://"):
        urls.append(settings.storage_endpoint or GOOGLE)
    return [f"{part.scheme}://{part.netloc}" for part in map(urlsplit, urls)]
