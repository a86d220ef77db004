"""Our own signed links: what they carry, when they end, and that nobody else can make one."""

import subprocess
import sys
import unicodedata
from itertools import permutations
from pathlib import Path

import pytest
from itsdangerous import BadSignature

from speech.errors import NotFound
from speech.links import Links, disposition, load_secret
from speech.settings import Settings
from speech.tokens import Tokens

NOW = 1_700_000_000.5
NAME = "안녕하세요 1.wav"


def links(secret: str = "secret", now: float = NOW) -> Links:
    return Links("https://voice.example", secret, now=lambda: now)


def token_of(url: str) -> str:
    return url.split("/files/")[1].split("/")[0]


def test_a_link_says_what_it_was_made_for():
    url = links().url("t/default/1/speech.wav", NAME, "audio/wav", 60)
    assert url.startswith("https://voice.example/files/")
    assert url.isascii() and url.endswith("/%EC%95%88%EB%85%95%ED%95%98%EC%84%B8%EC%9A%94%201.wav")
    read = links().read(token_of(url))
    assert (read.key, read.name, read.content_type) == ("t/default/1/speech.wav", NAME, "audio/wav")
    assert read.expires == int(NOW) + 61  # a started second counts whole


def test_a_name_from_macos_gives_the_composed_name():
    decomposed = unicodedata.normalize("NFD", NAME)
    assert decomposed != NAME
    url = links().url("k", decomposed, "audio/wav", 60)
    assert url == links().url("k", NAME, "audio/wav", 60)


def test_slashes_of_a_name_stay_in_the_path_so_that_a_url_holds_the_object_name():
    name = "wav_files/1/5f0c_2026-01-02_voice.wav"
    assert links().url("k", name, "audio/wav", 60).endswith("/" + name)


@pytest.mark.parametrize("seconds, good", [(0, True), (59, True), (61, False), (10_000, False)])
def test_a_link_ends_when_it_says(seconds: int, good: bool):
    token = token_of(links().url("k", "n", "audio/wav", 60))
    later = links(now=NOW + seconds)
    if good:
        assert later.seconds_left(later.read(token)) == 60 - seconds
        return
    with pytest.raises(NotFound) as caught:
        later.read(token)
    assert caught.value.code == "link_expired"


def test_a_link_signed_with_another_secret_is_refused():
    token = token_of(links("theirs").url("k", "n", "audio/wav", 60))
    with pytest.raises(NotFound) as caught:
        links("ours").read(token)
    assert caught.value.code == "link_invalid"


def test_each_flipped_character_of_a_token_is_refused():
    token = token_of(links().url("k", "n", "audio/wav", 60))
    for place in range(len(token) - 1):  # the last one holds bits that base64 does not use
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(NotFound) as caught:
            links().read(other)
        assert caught.value.code == "link_invalid"


@pytest.mark.parametrize("token", ["", ".", "x", "한글", "a.b.c", "e30.e30"])
def test_what_was_never_a_token_is_refused(token: str):
    with pytest.raises(NotFound) as caught:
        links().read(token)
    assert caught.value.code == "link_invalid"


@pytest.mark.parametrize(
    "name, header",
    [
        ("hi.wav", "inline; filename=\"hi.wav\"; filename*=UTF-8''hi.wav"),
        (
            unicodedata.normalize("NFD", "한.wav"),
            "inline; filename=\"_.wav\"; filename*=UTF-8''%ED%95%9C.wav",
        ),
        ("a/b/c d.srt", "inline; filename=\"c d.srt\"; filename*=UTF-8''c%20d.srt"),
        ('x";\r\nSet-Cookie: a', None),
        ("", "inline; filename=\"file\"; filename*=UTF-8''file"),
    ],
)
def test_a_disposition_holds_the_name_twice_and_nothing_else(name: str, header: str | None):
    made = disposition(name)
    assert made.isascii() and made.isprintable() and made.count('"') == 2
    assert header is None or made == header


def test_the_secret_of_the_settings_wins_and_makes_no_file(tmp_path: Path):
    settings = Settings(data_dir=str(tmp_path), secret="given")
    assert load_secret(settings) == "given"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path):
    settings = Settings(data_dir=str(tmp_path / "new"))
    first = load_secret(settings)
    assert len(first) >= 32 and load_secret(settings) == first
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["secret"]
    assert (tmp_path / "new" / "secret").stat().st_mode & 0o777 == 0o600


def test_what_signs_one_kind_of_link_or_token_signs_no_other():
    made = links()
    signers = [made._files, made._events, made._uploads, Tokens("secret")._signer]
    for one, other in permutations(signers, 2):
        with pytest.raises(BadSignature):
            other.loads(one.dumps(["job", "default", 2_000_000_000]))


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path):
    code = (
        "import sys; from speech.links import load_secret; from speech.settings import Settings;"
        "sys.stdin.read(); print(load_secret(Settings(data_dir=sys.argv[1])))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:  # each waits for the end of its input: all begin together
        assert process.stdin is not None
        process.stdin.close()
    said = set()
    for process in started:
        assert process.stdout is not None
        said.add(process.stdout.read())
        process.stdout.close()
        assert process.wait(timeout=60) == 0
    assert len(said) == 1 and len(said.pop().strip()) >= 32
