"""`/` in the words that Ollama's apps look for before they ask anything else."""

from __future__ import annotations

from appliance.http.exchange import Reply, Request

_PORT = ":11434"
GREETING = Reply(b"Ollama is running", content_type="text/plain; charset=utf-8")


def expected_by(request: Request) -> bool:
    """Whether one of Ollama's own clients asks, or somebody who came to Ollama's port."""
    agent = request.headers.get("user-agent", "").lower()
    return agent.startswith("ollama") or request.headers.get("host", "").endswith(_PORT)
