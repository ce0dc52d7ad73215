"""The official client against `/v1/embeddings`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from openai import OpenAI

pytestmark = pytest.mark.needs("engine")
MODEL = "luna-small"


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors of length one are."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_a_text_and_its_vector(client: OpenAI) -> None:
    # The client asks for base64 by itself and unpacks it.
    found = client.embeddings.create(model=MODEL, input="The quick brown fox")
    assert found.object == "list"
    assert found.model == MODEL
    (row,) = found.data
    assert row.index == 0
    assert len(row.embedding) == 64
    assert math.isclose(math.hypot(*row.embedding), 1, rel_tol=1e-5)
    assert found.usage.prompt_tokens == found.usage.total_tokens > 0


def test_numbers_and_base64_are_the_same(client: OpenAI) -> None:
    packed = client.embeddings.create(model=MODEL, input="fox", encoding_format="base64")
    plain = client.embeddings.create(model=MODEL, input="fox", encoding_format="float")
    assert isinstance(packed.data[0].embedding, str)
    assert all(isinstance(value, float) for value in plain.data[0].embedding)
    default = client.embeddings.create(model=MODEL, input="fox")
    assert default.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)


def test_the_order_of_several_is_kept(client: OpenAI) -> None:
    texts = ["one", "a second and longer text", "three"]
    found = client.embeddings.create(model=MODEL, input=texts)
    assert [row.index for row in found.data] == [0, 1, 2]
    for text, row in zip(texts, found.data, strict=True):
        alone = client.embeddings.create(model=MODEL, input=text).data[0].embedding
        assert cosine(alone, row.embedding) > 0.999
    assert cosine(found.data[0].embedding, found.data[2].embedding) < 0.999


def test_tokens_and_lists_of_tokens(client: OpenAI) -> None:
    one = client.embeddings.create(model=MODEL, input=[300, 301])
    two = client.embeddings.create(model=MODEL, input=[[300, 301], [302]])
    assert one.usage.prompt_tokens == 2
    assert two.usage.prompt_tokens == 3
    assert cosine(one.data[0].embedding, two.data[0].embedding) > 0.999


def test_fewer_dimensions_have_length_one_again(client: OpenAI) -> None:
    whole = client.embeddings.create(model=MODEL, input="fox").data[0].embedding
    cut = client.embeddings.create(model=MODEL, input="fox", dimensions=8).data[0].embedding
    length = math.hypot(*whole[:8])
    assert math.isclose(math.hypot(*cut), 1, rel_tol=1e-5)
    assert cut == pytest.approx([value / length for value in whole[:8]], abs=1e-5)
