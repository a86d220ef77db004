"""The languages that Whisper knows: ISO 639 codes, and the English names that OpenAI's API answers with."""

from speech.errors import InvalidRequest

# The codes are faster-whisper's, the names openai/whisper's (whisper/tokenizer.py).
LANGUAGES: dict[str, str] = {
    "af": "afrikaans",
    "am": "amharic",
    "ar": "arabic",
    "as": "assamese",
    "az": "azerbaijani",
    "ba": "bashkir",
    "be": "belarusian",
    "bg": "bulgarian",
    "bn": "bengali",
    "bo": "tibetan",
    "br": "breton",
    "bs": "bosnian",
    "ca": "catalan",
    "cs": "czech",
    "cy": "welsh",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fo": "faroese",
    "fr": "french",
    "gl": "galician",
    "gu": "gujarati",
    "ha": "hausa",
    "haw": "hawaiian",
    "he": "hebrew",
    "hi": "hindi",
    "hr": "croatian",
    "ht": "haitian creole",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "is": "icelandic",
    "it": "italian",
    "ja": "japanese",
    "jw": "javanese",
    "ka": "georgian",
    "kk": "kazakh",
    "km": "khmer",
    "kn": "kannada",
    "ko": "korean",
    "la": "latin",
    "lb": "luxembourgish",
    "ln": "lingala",
    "lo": "lao",
    "lt": "lithuanian",
    "lv": "latvian",
    "mg": "malagasy",
    "mi": "maori",
    "mk": "macedonian",
    "ml": "malayalam",
    "mn": "mongolian",
    "mr": "marathi",
    "ms": "malay",
    "mt": "maltese",
    "my": "myanmar",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "nynorsk",
    "no": "norwegian",
    "oc": "occitan",
    "pa": "punjabi",
    "pl": "polish",
    "ps": "pashto",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sa": "sanskrit",
    "sd": "sindhi",
    "si": "sinhala",
    "sk": "slovak",
    "sl": "slovenian",
    "sn": "shona",
    "so": "somali",
    "sq": "albanian",
    "sr": "serbian",
    "su": "sundanese",
    "sv": "swedish",
    "sw": "swahili",
    "ta": "tamil",
    "te": "telugu",
    "tg": "tajik",
    "th": "thai",
    "tk": "turkmen",
    "tl": "tagalog",
    "tr": "turkish",
    "tt": "tatar",
    "uk": "ukrainian",
    "ur": "urdu",
    "uz": "uzbek",
    "vi": "vietnamese",
    "yi": "yiddish",
    "yo": "yoruba",
    "yue": "cantonese",
    "zh": "chinese",
}
UNKNOWN = "und"  # ISO 639 for undetermined: a recording in which nobody speaks
_CODES = {name: code for code, name in LANGUAGES.items()}
_SYNONYMS = {"jv": "jw", "nb": "no", "iw": "he", "in": "id", "mandarin": "zh", "한국어": "ko"}


def parse_language(text: str | None, param: str = "language") -> str | None:
    """A code ("ko", "ko-KR") or name ("Korean") as Whisper's code; None, "" and "auto" mean: detect it.

    Raises InvalidRequest("unknown_language").
    """
    wanted = (text or "").strip().lower()
    if wanted in {"", "auto"}:
        return None
    for known in (wanted, wanted.replace("_", "-").partition("-")[0]):
        code = _CODES.get(known) or _SYNONYMS.get(known) or known
        if code in LANGUAGES:
            return code
    raise InvalidRequest(
        "unknown_language", param=param, value=str(text)[:40], languages=", ".join(LANGUAGES)
    )


def language_name(code: str) -> str:
    """The English name in lower case, as OpenAI's verbose_json has it: "korean"."""
    return LANGUAGES.get(code, "undetermined")
