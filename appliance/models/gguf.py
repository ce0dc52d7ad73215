"""The header of a GGUF file, as far as a list of models needs it.

Format: docs/gguf.md of the ggml project, versions 2 and 3. The tensors themselves are not read.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"GGUF"
_SCALARS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_LONGEST_STRING = 16 * 2**20
_MOST_ITEMS = 10_000_000
_KEPT_ARRAY = 64  # vocabularies are skipped but for these marks, short lists are kept
# How families spell what begins a text to fill in, as llama.cpp knows them (llama-vocab.cpp).
FIM_MARKS = frozenset(
    "<|fim_prefix|> <fim-prefix> <fim_prefix> <\uff5cfim\u2581begin\uff5c> <PRE> \u2581<PRE> "
    "<|code_prefix|>".split()
)
_RANK_POOLING = 4  # LLAMA_POOLING_TYPE_RANK of llama.h

# Bytes of one block and elements in it, by ggml type (ggml.h, ggml-common.h).
_BLOCKS = {
    0: (4, 1), 1: (2, 1), 2: (18, 32), 3: (20, 32), 6: (22, 32), 7: (24, 32), 8: (34, 32),
    9: (36, 32), 10: (84, 256), 11: (110, 256), 12: (144, 256), 13: (176, 256), 14: (210, 256),
    15: (292, 256), 16: (66, 256), 17: (74, 256), 18: (98, 256), 19: (50, 256), 20: (18, 32),
    21: (110, 256), 22: (82, 256), 23: (136, 256), 24: (1, 1), 25: (2, 1), 26: (4, 1), 27: (8, 1),
    28: (8, 1), 29: (56, 256), 30: (2, 1), 34: (54, 256), 35: (66, 256), 39: (17, 32),
}  # fmt: skip

# Their names in ggml.h, as llama.cpp's own log writes them.
TENSOR_TYPES = {
    0: "f32", 1: "f16", 2: "q4_0", 3: "q4_1", 6: "q5_0", 7: "q5_1", 8: "q8_0", 9: "q8_1",
    10: "q2_K", 11: "q3_K", 12: "q4_K", 13: "q5_K", 14: "q6_K", 15: "q8_K", 16: "iq2_xxs",
    17: "iq2_xs", 18: "iq3_xxs", 19: "iq1_s", 20: "iq4_nl", 21: "iq3_s", 22: "iq2_s",
    23: "iq4_xs", 24: "i8", 25: "i16", 26: "i32", 27: "i64", 28: "f64", 29: "iq1_m", 30: "bf16",
    34: "tq1_0", 35: "tq2_0", 39: "mxfp4",
}  # fmt: skip


class BadModelFile(Exception):
    """The file is no GGUF file, is damaged, or is not complete; the message says which."""


@dataclass(frozen=True, slots=True)
class Header:
    """Metadata, the number of weights, and the least size that a complete file has.

    `tensors` is how many there are of each type, by its name in ggml.
    """

    metadata: Mapping[str, Any]
    parameters: int
    least_bytes: int
    tensors: Mapping[str, int] = field(default_factory=dict)

    @property
    def architecture(self) -> str:
        """The model's family, such as "llama" or "qwen2"."""
        return str(self.metadata.get("general.architecture", "unknown"))

    @property
    def context_length(self) -> int:
        """Tokens of context that the model was trained for; 0 if the file does not say."""
        value = self.metadata.get(f"{self.architecture}.context_length", 0)
        return value if isinstance(value, int) and value > 0 else 0

    @property
    def reranker(self) -> bool:
        """Whether the model scores documents against a query: its pooling is that of ranks."""
        return self.metadata.get(f"{self.architecture}.pooling_type") == _RANK_POOLING


def read_header(path: Path) -> Header:
    """Read `path`'s header; raises BadModelFile, or OSError."""
    with path.open("rb") as file:
        try:
            return _read(file)
        except RecursionError as error:
            raise BadModelFile("The header makes no sense: the file is damaged.") from error
        except (struct.error, OverflowError) as error:
            raise BadModelFile(
                "The file ends in the middle of its header: it is still being copied, or damaged."
            ) from error


def _read(file: BinaryIO) -> Header:
    if file.read(4) != _MAGIC:
        raise BadModelFile("This is not a GGUF file: its first four bytes are not 'GGUF'.")
    (version,) = _unpack(file, "<I")
    if version not in (2, 3):
        raise BadModelFile(f"GGUF version {version} is not supported; convert the model again.")
    tensors, pairs = _unpack(file, "<QQ")
    if tensors > _MOST_ITEMS or pairs > _MOST_ITEMS:
        raise BadModelFile("The header makes no sense: the file is damaged.")
    metadata = {_string(file): _value(file, *_unpack(file, "<I")) for _ in range(pairs)}
    parameters, end = 0, 0
    kinds: Counter[str] = Counter()
    for _ in range(tensors):
        count, last, kind = _tensor(file)
        kinds[kind] += 1
        parameters += count
        end = max(end, last)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment <= 0:
        raise BadModelFile("The header makes no sense: the file is damaged.")
    start = -(-file.tell() // alignment) * alignment
    return Header(metadata, parameters, start + end, dict(kinds))


def _tensor(file: BinaryIO) -> tuple[int, int, str]:
    """The number of weights of the next tensor, where it ends in the data, and its type."""
    _string(file)
    (axes,) = _unpack(file, "<I")
    if axes > 8:
        raise BadModelFile("The header makes no sense: the file is damaged.")
    count = 1
    for size in _unpack(file, f"<{axes}Q"):
        count *= size
    kind, offset = _unpack(file, "<IQ")
    size, elements = _BLOCKS.get(kind, (1, 256))  # an unknown type: at least that much
    return count, offset + count // elements * size, TENSOR_TYPES.get(kind, str(kind))


def _value(file: BinaryIO, kind: int) -> Any:
    if kind in _SCALARS:
        return _unpack(file, f"<{_SCALARS[kind]}")[0]
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        raise BadModelFile(f"The header has a value of unknown type {kind}: the file is damaged.")
    item, count = _unpack(file, "<IQ")
    if count > _MOST_ITEMS:
        raise BadModelFile("The header makes no sense: the file is damaged.")
    if item in _SCALARS and count > _KEPT_ARRAY:
        file.seek(count * struct.calcsize(_SCALARS[item]), 1)
        return ()
    values = [_value(file, item) for _ in range(count)]
    return tuple(each for each in values if count <= _KEPT_ARRAY or each in FIM_MARKS)


def _string(file: BinaryIO) -> str:
    (size,) = _unpack(file, "<Q")
    if size > _LONGEST_STRING:
        raise BadModelFile("The header makes no sense: the file is damaged.")
    data = file.read(size)
    if len(data) < size:
        raise struct.error
    return data.decode("utf-8", "replace")


def _unpack(file: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
