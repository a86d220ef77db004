"""Browser tokens: what they carry, when they end, and that nobody else can make one."""

import pytest

from speech.errors import Unauthorized
from speech.links import Links
from speech.tokens import MARK, Tokens

NOW = 1_700_000_000.5


def tokens(secret: str = "secret", now: float = NOW) -> Tokens:
    return Tokens(secret, now=lambda: now)


def refusal(text: str, of: Tokens) -> str:
    with pytest.raises(Unauthorized) as refused:
        of.read(text)
    return refused.value.code


@pytest.mark.parametrize("members", [None, (1, 3)])
def test_a_token_says_what_it_was_made_for(members):
    text, token = tokens().mint("key-1", ("speak", "read"), members, 60)
    assert text.startswith(MARK) and text.isascii()
    assert tokens().read(text) == token
    assert (token.key, token.scopes, token.members) == ("key-1", ("speak", "read"), members)
    assert token.expires == int(NOW) + 61


def test_a_token_ends_when_it_says():
    text, _ = tokens().mint("key-1", ("speak",), None, 60)
    assert tokens(now=NOW + 59).read(text).key == "key-1"
    assert refusal(text, tokens(now=NOW + 61)) == "token_expired"


def test_a_token_that_was_altered_or_signed_elsewhere_is_refused():
    text, _ = tokens().mint("key-1", ("speak",), None, 60)
    assert refusal(text, tokens("theirs")) == "token_invalid"
    for place in range(
        len(MARK), len(text) - 1
    ):  # the last one holds bits that base64 does not use
        other = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        assert refusal(other, tokens()) == "token_invalid"


@pytest.mark.parametrize("text", ["", "mkt_", "mkt_.", "mkt_e30.e30", "한글"])
def test_what_was_never_a_token_is_refused(text):
    assert refusal(text, tokens()) == "token_invalid"


def test_a_link_is_no_token():
    links = Links("http://a", "secret", now=lambda: NOW)
    for url in (links.url("k", "n", "audio/wav", 60), links.events_url("j", "t", 60)):
        assert refusal(MARK + url.split("/")[4], tokens()) == "token_invalid"
