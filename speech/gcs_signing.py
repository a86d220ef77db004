"""Signed V4 URLs of Google Cloud Storage, where the credentials at hand can sign."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from google.auth import iam
from google.auth.credentials import AnonymousCredentials, Credentials, Signing
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.cloud.storage import Blob
from google.oauth2 import service_account

log = logging.getLogger(__name__)

LONGEST = {
    "key": 7 * 86_400,
    "iam": 12 * 3_600,
}  # seconds; Google's limits for either kind of signature
REST = 60.0  # seconds without a new attempt after IAM has refused to sign
TOKEN_URI = "https://oauth2.googleapis.com/token"


class Signer:
    """Signs GET URLs of blobs: `kind` is "key" (a private key is at hand) or "iam" (a call each)."""

    def __init__(
        self,
        credentials: Signing,
        kind: str = "key",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kind = kind
        self._credentials, self._clock = credentials, clock
        self._rests_until = 0.0

    @classmethod
    def of(cls, credentials: Credentials, request: Any = None) -> "Signer | None":
        """The signer of these credentials, or None where they cannot sign; asks the metadata server at most."""
        if isinstance(credentials, AnonymousCredentials):
            return None
        if isinstance(credentials, Signing):
            local = isinstance(credentials, service_account.Credentials)
            return cls(credentials, "key" if local else "iam")
        # Request's own time limit is 120 s, and a page of links must not wait for that.
        ask = request or partial(Request(), timeout=5)
        email = _email(credentials, ask)
        if not email:
            return None
        signer = iam.Signer(ask, credentials, email)
        return cls(service_account.Credentials(signer, email, TOKEN_URI), "iam")

    def url(self, blob: Blob, seconds: int, disposition: str, content_type: str) -> str | None:
        """A URL good for `seconds`, or None: too long for this kind of signature, or IAM does not sign."""
        if seconds > LONGEST[self.kind] or self._clock() < self._rests_until:
            return None
        try:
            return blob.generate_signed_url(
                version="v4",
                expiration=timedelta(seconds=seconds),
                method="GET",
                response_disposition=disposition,
                response_type=content_type,
                credentials=self._credentials,
            )
        except GoogleAuthError as error:
            self._rests_until = self._clock() + REST
            log.warning("IAM does not sign (%s); links are our own for a while", error)
            return None


def _email(credentials: Credentials, request: Any) -> str:
    email = getattr(credentials, "service_account_email", None) or ""
    if email != "default":
        return email
    try:  # on Compute Engine the name is known after the first refresh
        credentials.refresh(request)
    except GoogleAuthError:
        return ""
    return str(credentials.service_account_email)
