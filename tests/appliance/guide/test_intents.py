import pytest

from appliance.guide.intents import REFUSE, load_knowledge
from appliance.guide.prompt import plain


def test_every_intent_is_complete_and_short() -> None:
    knowledge = load_knowledge()
    assert len(knowledge.intents) >= 50
    for intent in knowledge.intents.values():
        assert intent.about.endswith(".")
        assert 20 <= len(intent.answer) <= 220
        assert intent.answer[-1] in ".!?0"
        assert plain(intent.id.replace("_", " ")) == intent.id.replace("_", " ")


def test_every_answer_begins_with_a_word_of_its_own() -> None:
    knowledge = load_knowledge()
    answers = [knowledge.refusal, *(intent.answer for intent in knowledge.intents.values())]
    assert len({answer.split()[0] for answer in answers}) == len(answers)


def test_answers_are_found_by_intent() -> None:
    knowledge = load_knowledge()
    assert knowledge.answer(REFUSE) == knowledge.refusal
    assert knowledge.answer("port") == knowledge.intents["port"].answer
    with pytest.raises(KeyError):
        knowledge.answer("weather")
