import pytest

from speech.errors import InvalidRequest
from speech.languages import LANGUAGES, language_name, parse_language


@pytest.mark.parametrize("text", [None, "", " ", "auto", "AUTO"])
def test_no_language_means_detect(text):
    assert parse_language(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ko", "ko"),
        ("KO", "ko"),
        ("ko-KR", "ko"),
        ("ko_KR", "ko"),
        ("korean", "ko"),
        ("Korean", "ko"),
        ("한국어", "ko"),
        ("zh-TW", "zh"),
        ("yue", "yue"),
        ("haitian creole", "ht"),
        ("jv", "jw"),
    ],
)
def test_codes_regions_and_names_are_understood(text, code):
    assert parse_language(text) == code


@pytest.mark.parametrize("text", ["xx", "klingon", "k", "ko;en", "-", "en" * 100])
def test_another_language_is_refused_with_the_list(text):
    with pytest.raises(InvalidRequest) as caught:
        parse_language(text, param="language")
    assert (caught.value.code, caught.value.param) == ("unknown_language", "language")
    assert "ko, " in caught.value.message("ko")
    assert len(caught.value.message()) < 800


def test_every_language_has_a_name_and_is_found_by_it():
    assert all(parse_language(language_name(code)) == code for code in LANGUAGES)
    assert language_name("und") == "undetermined"


def test_the_codes_are_those_of_the_engine():
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    assert set(LANGUAGES) == set(_LANGUAGE_CODES)
