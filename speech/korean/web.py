"""Addresses of the web, e-mail, hashtags and mentions, spelled as they are dictated."""

import re
from collections.abc import Iterator

from speech.korean.changes import rule
from speech.korean.data import pairs
from speech.korean.latin import read_word, spell
from speech.korean.numbers import DIGITS, one_by_one

_SIGNS = {
    ".": "점",
    "-": "하이픈",
    "_": "밑줄",
    "/": "슬래시",
    ":": "콜론",
    "?": "물음표",
    "~": "물결",
    "%": "퍼센트",
    ",": "쉼표",
    "!": "느낌표",
    ";": "세미콜론",
}
_DOMAINS = "com|net|org|kr|io|dev|ai|app|co|go|ac|re|edu|gov|me|tv|info|biz|shop|site|xyz|jp|cn|uk|us|de|fr"
_SPELLED = {
    "www",
    "kr",
    "io",
    "ac",
    "re",
    "go",
    "tv",
    "jp",
    "cn",
    "uk",
    "us",
    "de",
    "fr",
    "id",
    "ko",
    "org",
    "html",
    "htm",
}
# Of file names, and of Node.js.
_ENDINGS = "txt|pdf|jpe?g|png|gif|svg|mp[34]|wav|zip|docx?|xlsx?|pptx?|hwpx?|csv|json|html?|css|js|ts|py|exe|md"
_HOST = rf"(?:[A-Za-z0-9-]{{1,63}}\.){{1,8}}(?:{_DOMAINS})(?![A-Za-z0-9-])"
_PATH = r"(?::\d{1,5})?(?:/[\w./?=&%#~+:;,@-]*[\w/])?"


def _address(match: re.Match[str]) -> str:
    return " ".join(_parts(re.sub("^[a-z]+://", "", match[0])))


def _parts(address: str) -> Iterator[str]:
    for token in re.findall(r"[A-Za-z]+|\d+|[가-힣]+|.", address.rstrip("/")):
        if token.isascii() and token.isalpha():
            yield spell(token) if token.lower() in _SPELLED else read_word(token.lower())
        elif token.isdigit():
            yield one_by_one(token, DIGITS[0])
        else:
            yield _SIGNS.get(token) or pairs("symbols").get(token) or token


RULES = [
    rule(
        "url",
        r"(?:https?|ftp)://[A-Za-z0-9가-힣][A-Za-z0-9가-힣._~:/?#@!$&+,;=%-]*[A-Za-z0-9/]",
        _address,
        ":",
    ),
    rule(
        "email",
        r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
        _address,
        "@",
    ),
    rule("url", rf"(?<![\w@.-]){_HOST}{_PATH}", _address, "."),
    rule("file", rf"(?<=\w)\.(?=(?:{_ENDINGS})(?![A-Za-z0-9]))", " 점 ", "."),
    rule("hashtag", r"(?<![\w#&])#(?=[^\W\d_])", "해시태그 ", "#"),
    rule("mention", r"(?<![\w@])@(?=\w)", "골뱅이 ", "@"),
]
