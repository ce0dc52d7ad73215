"""Made-up results of tools, for learning to repeat them word by word."""

import json
import random
import string
from collections.abc import Sequence

from appliance.guide.phrases import Choice, Words, expand


def make_result(
    sentences: Sequence[Choice], words: Words, vocabulary: Sequence[str], rng: random.Random
) -> str:
    """Return a result: one to three sentences, or random words, or now and then JSON.

    The random words are what teaches copying: nothing but the result predicts them.
    """
    kind = rng.random()
    if kind < 0.45:
        count = rng.choice((1, 1, 1, 2, 2, 3))
        return " ".join(_sentence(rng.choice(sentences), words, rng) for _ in range(count))
    if kind < 0.9:
        return _random_words(vocabulary, rng)
    return json.dumps({_name(rng): _value(vocabulary, rng) for _ in range(rng.randint(1, 4))})


def _sentence(choice: Choice, words: Words, rng: random.Random) -> str:
    """Expand a sentence; `<` and `>` stand for parentheses, `^` joins two parts."""
    text = expand(choice, words, rng).replace("^", "")
    return text.replace("<", "(").replace(">", ")")


def _random_words(vocabulary: Sequence[str], rng: random.Random) -> str:
    chosen = [
        rng.choice(vocabulary) if rng.random() < 0.75 else _token(rng)
        for _ in range(rng.randint(2, 18))
    ]
    marked = [
        word + rng.choice((",", ":", "%", ";")) if rng.random() < 0.1 else word for word in chosen
    ]
    text = " ".join(marked)
    text = text[0].upper() + text[1:] if rng.random() < 0.6 else text
    return text + rng.choice((".", ".", ".", "", "!"))


def _token(rng: random.Random) -> str:
    kind = rng.randrange(5)
    if kind == 0:
        return str(rng.randrange(10 ** rng.randint(1, 5)))
    if kind == 1:
        return f"{rng.randrange(1000)}.{rng.randrange(100)}"
    if kind == 2:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 8))).capitalize()
    if kind == 3:
        return "".join(rng.choices(string.hexdigits, k=rng.randint(3, 6)))
    return f"{rng.randrange(24)}:{rng.randrange(60):02}"


def _name(rng: random.Random) -> str:
    names = ("status", "temperature", "time", "result", "value", "name", "unit", "city", "ok", "id")
    return rng.choice(names)


def _value(vocabulary: Sequence[str], rng: random.Random) -> object:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randrange(10 ** rng.randint(1, 4))
    if kind == 1:
        return rng.choice((True, False, round(rng.uniform(0, 100), 1)))
    return " ".join(rng.choice(vocabulary) for _ in range(rng.randint(1, 3)))
