"""Training samples without end, made from the phrasings in text/."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.guide.augment import roughen
from appliance.guide.intents import FOLDER, Knowledge, load_knowledge
from appliance.guide.phrases import (
    Choice,
    expand,
    literals,
    load_sections,
    load_words,
    mentions,
)
from appliance.guide.prompt import call_text, plain, question_prompt, result_prompt
from appliance.guide.results import make_result

LIVE = "live_state"
_CORE_TIMES = 6  # a fifth of what is asked is asked in the plainest way
# Phrasings of these intents are right for any machine, or name others on purpose:
# a foreign name in them would not make them foreign.
_EVERY_MACHINE = frozenset(
    (
        "boards capabilities find_box fleet language laptop model_choose npu privacy who_are_you"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt and its answer; of a `brief` one only the first token needs learning."""

    prompt: str
    answer: str
    brief: bool = False


@dataclass(frozen=True, slots=True)
class Texts:
    """All that text/ holds, parsed."""

    words: dict[str, Choice]
    questions: dict[str, list[Choice]]
    refusals: dict[str, list[Choice]]
    results: list[Choice]

    def near_misses(self) -> list[Choice]:
        """Phrasings that name the appliance; with another machine in its place they are foreign."""
        return [
            phrasing
            for section, phrasings in self.questions.items()
            if section.partition(":")[0] not in _EVERY_MACHINE
            for phrasing in phrasings
            if mentions(phrasing, "box")
        ]

    def vocabulary(self) -> list[str]:
        """All words of the word lists and questions, in order."""
        phrasings = [*self.words.values(), *(p for group in self.questions.values() for p in group)]
        return sorted(set().union(*map(literals, phrasings)))


def load_texts(folder: Path = FOLDER / "text") -> Texts:
    """Read the word lists and phrasings."""
    questions: dict[str, list[Choice]] = {}
    for path in sorted(folder.glob("questions_*.txt")):
        for section, phrasings in load_sections(path).items():
            times = _CORE_TIMES if path.stem == "questions_core" else 1
            questions.setdefault(section, []).extend(phrasings * times)
    return Texts(
        words=load_words(folder / "words.txt"),
        questions=questions,
        refusals=load_sections(folder / "refusals.txt"),
        results=load_sections(folder / "results.txt")["results"],
    )


class Corpus:
    """An endless, reproducible stream of samples for one seed."""

    def __init__(self, texts: Texts, knowledge: Knowledge, seed: int) -> None:
        self._texts = texts
        self._knowledge = knowledge
        self._rng = random.Random(seed)
        self._sections = sorted(texts.questions)
        self._near = texts.near_misses()
        self._foreign_words = {**texts.words, "box": texts.words["foreign"]}
        self._live = [section for section in self._sections if section.startswith(f"{LIVE}:")]
        answers = {word for i in knowledge.intents.values() for word in i.answer.split()}
        self._vocabulary = sorted(answers.union(texts.vocabulary()))

    def __iter__(self) -> Iterator[Sample]:
        """Yield questions, questions with tools, and results to repeat."""
        while True:
            kind = self._rng.random()
            if kind < 0.22:
                result = make_result(
                    self._texts.results, self._texts.words, self._vocabulary, self._rng
                )
                yield Sample(result_prompt(result), result)
            elif kind < 0.38:
                yield self._question_with_tools()
            else:
                yield self._question()

    def _question(self) -> Sample:
        section, question = self._ask(refusals=0.42)
        brief = self._rng.random() < 0.88
        return Sample(question_prompt(question), self._answer(section), brief)

    def _question_with_tools(self) -> Sample:
        rng = self._rng
        shown = [name for name in sorted(self._live_tools()) if rng.random() < 0.75]
        shown += [
            plain(expand(self._texts.words["tool_name"], self._texts.words, rng)).replace(" ", "_")
            for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 4)) or (not shown))
        ]
        rng.shuffle(shown)
        if rng.random() < 0.5:
            section = rng.choice(self._live)
            question = self._phrase(section)
        else:
            section, question = self._ask(refusals=0.45)
        prompt = question_prompt(question, shown)
        tool = section.partition(":")[2]
        if tool in shown:
            return Sample(prompt, call_text(tool))
        answer = self._answer(section)
        if rng.random() < 0.04:
            # Forced to call, the engine forbids the end of the answer: a call comes after it then.
            return Sample(prompt, answer + call_text(rng.choice(shown)))
        return Sample(prompt, answer, brief=rng.random() < 0.8)

    def _live_tools(self) -> set[str]:
        return {section.partition(":")[2] for section in self._live}

    def _ask(self, refusals: float) -> tuple[str, str]:
        if self._rng.random() < refusals:
            return "", self._foreign()
        intent = self._rng.choice(sorted(self._knowledge.intents))
        choices = self._live if intent == LIVE else [intent]
        section = self._rng.choice(choices)
        return section, self._phrase(section)

    def _answer(self, section: str) -> str:
        intent = section.partition(":")[0]
        return self._knowledge.answer(intent) if intent else self._knowledge.refusal

    def _phrase(self, section: str) -> str:
        phrasing = self._rng.choice(self._texts.questions[section])
        return self._rough(expand(phrasing, self._texts.words, self._rng))

    def _foreign(self) -> str:
        if self._rng.random() < 0.22:
            text = expand(self._rng.choice(self._near), self._foreign_words, self._rng)
        else:
            kind = self._rng.choice(sorted(self._texts.refusals))
            phrasing = self._rng.choice(self._texts.refusals[kind])
            text = expand(phrasing, self._texts.words, self._rng)
        return self._rough(text)

    def _rough(self, text: str) -> str:
        return roughen(plain(text), self._texts.words, self._rng)


def make_corpus(seed: int) -> Corpus:
    """Return the corpus of the texts in this folder."""
    return Corpus(load_texts(), load_knowledge(), seed)
