"""The model's own tokenizer (`tokenizer.json`): exact counts, and prompts as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.engines.rkllm.chat.tokenizer_config import read_bytes, read_config
from appliance.errors import BadRequest, ModelLoadFailed

if TYPE_CHECKING:
    import tokenizers

NAME = "tokenizer.json"


class Tokenizer:
    """Text to token ids and back; one object may be used by many threads.

    `bos_id` and `eos_id` are None where the model has no such token.
    """

    def __init__(self, inner: tokenizers.Tokenizer, bos: str | None, eos: str | None) -> None:
        # Some files have these set for training; a prompt must never be cut in silence.
        inner.no_truncation()
        inner.no_padding()
        self._inner = inner
        self.bos_id = None if bos is None else inner.token_to_id(bos)
        self.eos_id = None if eos is None else inner.token_to_id(eos)

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """The tokenizer of a model's folder; raises ModelLoadFailed."""
        # Here, not above: it takes 4 MB, and most devices have no model with such a file.
        import tokenizers

        data = read_bytes(folder / NAME)
        special = read_config(folder).special_tokens()
        try:
            inner = tokenizers.Tokenizer.from_buffer(data)
        except ValueError as error:
            raise ModelLoadFailed(
                f"{NAME} beside the model cannot be used: {error}. Copy it again, from the "
                "repository that the model was converted from."
            ) from error
        return cls(inner, special.get("bos_token"), special.get("eos_token"))

    @property
    def size(self) -> int:
        """How many tokens the vocabulary has, added ones included."""
        return self._inner.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str, *, special: bool = False) -> tuple[int, ...]:
        """Token ids of `text`; raises BadRequest.

        `special` adds what the model expects around a bare text (a BOS token, often). A rendered
        chat template has that already. Special tokens that stand in the text are recognised.
        """
        try:
            return tuple(self._inner.encode(text, add_special_tokens=special).ids)
        except TypeError as error:  # half a surrogate pair
            raise BadRequest("The text has characters that are not valid Unicode.") from error

    def decode(self, tokens: Sequence[int], *, special: bool = False) -> str:
        """Text of token ids, special tokens only if wanted; raises BadRequest."""
        if any(not 0 <= token < self.size for token in tokens):
            raise BadRequest(f"Token ids of this model are 0 to {self.size - 1}.")
        return self._inner.decode(list(tokens), skip_special_tokens=not special)
