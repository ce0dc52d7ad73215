"""Ollama's API, as its apps use it (docs/api.md of the ollama project, 2026)."""
