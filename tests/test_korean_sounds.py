"""The sound rules: g2pk's, syllable by syllable, and what is put right before them."""

import unicodedata
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.korean import sounds
from speech.korean.morphemes import Morphemes, mark
from speech.korean.sounds import Sounds, join

SYLLABLES = st.characters(min_codepoint=ord("가"), max_codepoint=ord("힣"))


@pytest.fixture(scope="module")
def said() -> Sounds:
    return Sounds()


def by_g2pk(text: str) -> str:
    """A text by g2pk's own rules over the whole of it, in its order, as its G2p calls them."""
    text = unicodedata.normalize("NFD", text)
    text = sounds._by(sounds._SPECIAL, text)
    for _, pattern, heard in sounds._table():
        text = pattern.sub(heard, text)
    return unicodedata.normalize("NFC", sounds._by(("jyeo",), sounds._by(sounds._LINKS, text)))


@given(st.text(alphabet=st.one_of(SYLLABLES, st.sampled_from(" .,?!")), min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_two_syllables_at_a_time_sound_as_the_whole_text_does(text: str) -> None:
    text = " ".join(text.split()).replace("혀", "허")  # 닫혀, which g2pk misreads
    assert join(text, {}) == by_g2pk(text)


def test_every_last_consonant_meets_every_first_one_as_in_g2pk() -> None:
    tails = [chr(ord("가") + tail) for tail in range(28)]
    heads = [chr(ord("가") + head * 588) for head in range(19)]
    for left, gap, right in product(tails, ("", " "), heads):
        assert join(left + gap + right, {}) == by_g2pk(left + gap + right)


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        # g2pk 0.9.4 says 느슨, 뜨서, 흐서, 다텨, 마섭따, 갑써치, 거톧, 꼰니비, 할게요, 시뷱, 칠십.
        ("늦은", "느즌"),
        ("뜯어", "뜨더"),
        ("흩어", "흐터"),
        ("닫혀", "다처"),
        ("맛없다", "마덥따"),
        ("값어치", "가버치"),
        ("겉옷", "거돋"),
        ("꽃잎이", "꼰니피"),
        ("할게요", "할께요"),
        ("십육", "심뉵"),
        ("칠십", "칠씹"),
        ("먹을게", "머글께"),
        ("갈지 모른다", "갈찌 모른다"),
        ("결정", "결쩡"),
        ("활동", "활똥"),
        ("열심히", "열씸히"),
        ("팔다리", "팔다리"),
        ("개발자", "개발자"),
        ("필자", "필짜"),
        ("문법", "문뻡"),
        ("조건", "조껀"),
        ("디귿이", "디그시"),
        ("부엌이", "부어키"),
        ("첫인상", "처딘상"),
        ("부산역", "부산녁"),
        ("여덟 개", "여덜 개"),
        ("열 개", "열 깨"),
        ("칠 점", "칠 쩜"),
        ("칠 개월", "칠 개월"),
        ("등산로", "등산노"),
        ("대관령", "대괄령"),
        ("난로", "날로"),
        ("생산량", "생산냥"),
        ("십여 명", "시벼 명"),
        ("넓고", "널꼬"),
        ("밟는", "밤는"),
        ("맑게", "말께"),
        ("신라", "실라"),
        ("협력", "혐녁"),
        ("같이", "가치"),
        ("굳히다", "구치다"),
        ("논의", "노늬"),
        ("희망", "히망"),
        ("할 것을", "할 꺼슬"),
        ("할것을", "할꺼슬"),
    ],
)
def test_what_the_standard_says(said: Sounds, written: str, heard: str) -> None:
    assert said.said(written) == heard


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        # A word of the table is not taken out of another word, as g2pk does.
        ("친절도", "친절도"),
        ("마지막일 거야", "마지마길 꺼야"),
        ("건강가족", "건강가족"),
        ("말밖에", "말바께"),
        ("일궜다", "일궏따"),
    ],
)
def test_a_word_is_itself_only_between_the_borders_of_morphemes(
    said: Sounds, written: str, heard: str
) -> None:
    assert said.said(written) == heard


def test_a_noun_and_a_stem_of_one_spelling_sound_apart(said: Sounds) -> None:
    assert said.said("구두를 신고 갔다.") == "구두를 신꼬 갇따."
    assert said.said("경찰에 신고했다.") == "경차레 신고핻따."


def test_morphemes_tell_where_they_stand() -> None:
    first, second = Morphemes().of("꽃 먹을")[:2]
    assert (first.text, first.start, first.end, first.tags) == ("꽃", 0, 1, ("NNG",))
    assert second.text == "먹" and not second.particle
    assert mark(Morphemes().of("먹을")[1]) == "/E"


@given(st.text(alphabet=st.one_of(SYLLABLES, st.just(" ")), max_size=40))
@settings(max_examples=100, deadline=None)
def test_as_many_letters_and_words_go_out_as_came_in(text: str) -> None:
    heard = _SAID.said(text)
    assert [letter == " " for letter in heard] == [letter == " " for letter in text]


_SAID = Sounds()
