"""Short-lived tokens for browsers: a part of a key's rights for a while. They are signed and stored nowhere.

A token names its key, whose row is looked up at every use: a key that is revoked takes its tokens with it.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData

from speech.errors import Unauthorized
from speech.links import as_text, signer

MARK = "mkt_"
LONGEST = 3600  # seconds


@dataclass(frozen=True)
class Token:
    """What a token says; `key` is the id of the key that it was made with."""

    key: str
    scopes: tuple[str, ...]
    members: tuple[int, ...] | None
    expires: int  # seconds since 1970


class Tokens:
    """Makes and reads tokens with the secret that signs links, under a salt of their own."""

    def __init__(self, secret: str, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._signer = signer(secret, "moksori.tokens.v1")

    def mint(
        self, key: str, scopes: tuple[str, ...], members: tuple[int, ...] | None, seconds: int
    ) -> tuple[str, Token]:
        """The text of a new token, good for `seconds`, and what it says."""
        token = Token(key, scopes, members, math.ceil(self._now() + seconds))
        said = self._signer.dumps([token.key, token.scopes, token.members, token.expires])
        return f"{MARK}{as_text(said)}", token

    def read(self, text: str) -> Token:
        """What a token says. Raises Unauthorized("token_invalid") or Unauthorized("token_expired")."""
        try:
            key, scopes, members, expires = self._signer.loads(text.removeprefix(MARK))
        except (BadData, ValueError, TypeError) as error:
            raise Unauthorized("token_invalid") from error
        if self._now() >= expires:
            raise Unauthorized("token_expired")
        return Token(key, tuple(scopes), None if members is None else tuple(members), expires)
