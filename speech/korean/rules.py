"""All rules, in the order in which they may claim a part of the text."""

from speech.korean import amounts, labels, latin, markup, moments, particles, signs, web

RULES = (
    *signs.FACES,
    *markup.RULES,
    *signs.BRACKETS,
    *web.RULES,
    *particles.RULES,
    *moments.RULES,
    *labels.NUMBERS,
    *amounts.RULES,
    *labels.NAMES,
    *amounts.PLAIN,
    *latin.RULES,
    *signs.RULES,
)
