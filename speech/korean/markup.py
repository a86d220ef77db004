"""Marks of Markdown and HTML, which are seen and not said.

Only marks that stand as CommonMark has them (https://spec.commonmark.org): `2 * 3 * 4` is no emphasis. The text is
one block: a sentence, an item of a list, a heading.
"""

from speech.korean.changes import rule

RULES = [
    rule("markdown", r"^\s*(?P<span>#{1,6} +)", "", "#"),
    rule("markdown", r"^\s*(?P<span>(?:[-*+] \[[ xX]\]|[-*+]|>+) +)(?=\S)", "", "-*+>"),
    rule("markdown", r"^\s*(?P<span>```[\w-]*|~~~[\w-]*|(?:[-*_] ?){3,})\s*$", "", "`~*_-"),
    rule("list", r"^\s*\d{1,3}(?P<span>[.)] +)(?=\S)", ", ", ".)"),
    rule("list", r"(?<=\s)\d{1,2}(?P<span>\) )(?=\S)", ", ", ")"),
    rule(
        "markdown",
        r"(?P<span>!?\[)(?=[^\[\]\n]{0,500}\]\([^()\s]{0,2000}(?: \"[^\"\n]*\")?\))",
        "",
        r"\[",
    ),
    rule("markdown", r"\]\([^()\s]{0,2000}(?: \"[^\"\n]*\")?\)", "", r"\]"),
    rule("markdown", r"(?P<span>\*{1,3})(?=[^\s*])(?=[^*\n]{0,500}[^\s*]\*)", "", "*"),
    rule("markdown", r"(?<=[^\s*])\*{1,3}(?=[^\w*]|[가-힣]|$)", "", "*"),
    rule("markdown", r"(?<=[가-힣])_(?=[가-힣])", " ", "_"),
    rule("markdown", r"~~|``|`|(?<![\w_])__?(?=[^\s_])|(?<=[^\s_])__?(?![\w_])", "", "`~_"),
    rule(
        "html",
        r"</?(?:a|b|i|u|s|p|br|em|strong|code|pre|span|div|h[1-6]|li|ul|ol|sub|sup|img|mark|del)(?: [^<>]{0,500})?/?>",
        " ",
        "<",
    ),
    rule("html", r"&nbsp;", " ", "&"),
]
