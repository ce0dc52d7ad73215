"""What the guide knows: the intents and their answers, read from intents.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

REFUSE = "refuse"
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Intent:
    """One kind of question with its one true answer."""

    id: str
    about: str
    answer: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All intents by id, and the sentence for everything else."""

    intents: dict[str, Intent]
    refusal: str

    def answer(self, intent: str) -> str:
        """Return the answer of an intent id, or the refusal for `refuse`; KeyError if unknown."""
        return self.refusal if intent == REFUSE else self.intents[intent].answer


def load_knowledge(path: Path = FOLDER / "intents.toml") -> Knowledge:
    """Read the intents file."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    intents = [Intent(item["id"], item["about"], item["answer"]) for item in document["intent"]]
    return Knowledge({intent.id: intent for intent in intents}, document["refusal"]["answer"])
