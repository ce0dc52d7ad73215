"""Browser LLM's API, version 1."""
