"""/rerank with a model that can: in the shapes of Jina's and TEI's clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import random_reranker
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import Wire

pytestmark = pytest.mark.needs("engine")
DOCUMENTS = ["the fox is in the garden.", "two and two are four.", "a"]
QUESTION = {"model": "reranker", "query": "where is the fox?"}


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    model: Path = random_reranker.write(tmp_path_factory.mktemp("model") / "reranker.gguf")
    folder = tmp_path_factory.mktemp("luna")
    settings = '[models]\ndefault = "tiny"\n'
    with RunningLuna(folder, models=[tiny_model(), model], settings=settings) as running:
        running.wait_loaded()
        yield running


def rerank(luna: RunningLuna, path: str = "/rerank", **more: Any) -> Any:
    with Wire(luna.port) as wire:
        answer = wire.request(path, body=json.dumps(QUESTION | more).encode())
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/reranking", "/v1/reranking"])
def test_the_best_documents_come_first(ranking: RunningLuna, path: str) -> None:
    body = rerank(ranking, path, documents=DOCUMENTS)
    scores = [result["relevance_score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True)
    assert {result["index"] for result in body["results"]} == {0, 1, 2}
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 0
    assert (body["model"], body["object"]) == ("reranker", "list")


@pytest.mark.parametrize(("top", "count"), [(1, 1), (3, 3), (99, 3), (0, 0)])
def test_only_the_best(ranking: RunningLuna, top: int, count: int) -> None:
    assert len(rerank(ranking, documents=DOCUMENTS, top_n=top)["results"]) == count


def test_teis_shape(ranking: RunningLuna) -> None:
    results = rerank(ranking, documents=DOCUMENTS)["results"]
    known = {result["index"]: result["relevance_score"] for result in results}
    rows = rerank(ranking, texts=DOCUMENTS, return_text=True)
    assert {row["index"]: row["score"] for row in rows} == pytest.approx(known, abs=1e-4)
    assert all(row["text"] == DOCUMENTS[row["index"]] for row in rows)
    assert "text" not in rerank(ranking, texts=DOCUMENTS)[0]
