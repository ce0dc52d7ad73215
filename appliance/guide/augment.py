"""Make a phrasing less tidy: typing errors, lost words, openings and closings around it."""

import random

from appliance.guide.phrases import Words, expand

_NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo", "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o",
    "q": "w", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc",
    "y": "tu", "z": "x",
}  # fmt: skip
_SMALL_WORDS = frozenset(
    "a an the is are do does to of for on in at with my your its it this that please can i".split()
)


def mistype(text: str, rng: random.Random) -> str:
    """Return the text with one typing error in a word of at least four letters, if it has one."""
    words = text.split(" ")
    long = [index for index, word in enumerate(words) if len(word) >= 4 and word.isascii()]
    if not long:
        return text
    index = rng.choice(long)
    words[index] = _misspell(words[index], rng)
    return " ".join(words)


def _misspell(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + rng.choice(_NEIGHBOURS.get(word[at], "e")) + word[at + 1 :]


def drop_small_words(text: str, rng: random.Random, chance: float) -> str:
    """Return the text without some of its articles, pronouns and prepositions."""
    words = text.split(" ")
    kept = [word for word in words if word not in _SMALL_WORDS or rng.random() >= chance]
    return " ".join(kept) if len(kept) >= 2 else text


def dress(text: str, words: Words, rng: random.Random) -> str:
    """Put an opening before or a closing after the text."""
    kind = rng.randrange(5)
    opening = expand(words["opening"], words, rng) if kind != 0 else ""
    closing = expand(words["closing"], words, rng) if kind in (0, 1) else ""
    return f"{opening} {text} {closing}".strip()


def roughen(text: str, words: Words, rng: random.Random) -> str:
    """Apply each kind of untidiness with its own chance; `text` is already plain."""
    if rng.random() < 0.22:
        text = dress(text, words, rng)
    if rng.random() < 0.15:
        text = drop_small_words(text, rng, chance=rng.choice((0.3, 0.6, 1.0)))
    if rng.random() < 0.16:
        text = mistype(text, rng)
        if rng.random() < 0.3:
            text = mistype(text, rng)
    return text
