import subprocess
import sys
from itertools import islice

import pytest

from appliance.guide.corpus import LIVE, Corpus, load_texts, make_corpus
from appliance.guide.intents import load_knowledge
from appliance.guide.phrases import Choice, Part, Word
from appliance.guide.prompt import CALL, END, START


def words_in(part: Part) -> set[str]:
    if isinstance(part, Word):
        return {part.name}
    if isinstance(part, Choice):
        return {name for option in part.options for inner in option for name in words_in(inner)}
    return set()


def test_each_intent_has_phrasings_and_each_section_an_intent() -> None:
    sections = {section.partition(":")[0] for section in load_texts().questions}
    assert sections == set(load_knowledge().intents)


def test_each_intent_has_many_phrasings() -> None:
    few = {name: len(lines) for name, lines in load_texts().questions.items() if len(lines) < 8}
    assert few == {}


def test_every_word_list_that_is_used_exists() -> None:
    texts = load_texts()
    phrasings = [*texts.results, *texts.words.values()]
    for group in (*texts.questions.values(), *texts.refusals.values()):
        phrasings += group
    used = {name for phrasing in phrasings for name in words_in(phrasing)}
    assert used <= set(texts.words)


def test_the_same_seed_gives_the_same_samples() -> None:
    assert list(islice(make_corpus(5), 300)) == list(islice(make_corpus(5), 300))
    assert list(islice(make_corpus(5), 300)) != list(islice(make_corpus(6), 300))


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus(11)


def test_samples_have_known_answers(corpus: Corpus) -> None:
    knowledge = load_knowledge()
    answers = {knowledge.refusal, *(intent.answer for intent in knowledge.intents.values())}
    for sample in islice(corpus, 3000):
        assert sample.prompt.endswith(f"{START}assistant\n")
        if sample.prompt.startswith(f"{START}tool\n"):
            assert sample.prompt == (f"{START}tool\n{sample.answer}{END}\n{START}assistant\n")
        else:
            assert sample.answer.partition(CALL)[0] in answers | {""}


def test_only_a_shown_device_tool_is_chosen(corpus: Corpus) -> None:
    tools = {name.partition(":")[2] for name in load_texts().questions if name.startswith(LIVE)}
    calls = 0
    for sample in islice(corpus, 5000):
        if sample.answer.startswith(CALL):
            name = sample.answer.split('"')[3]
            assert name in tools
            assert name in sample.prompt.partition(END)[0].split()
            calls += 1
    assert calls > 100


def test_the_corpus_needs_no_training_library() -> None:
    code = "import sys, appliance.guide.corpus; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
