"""OpenAI's API: chat, completions, embeddings and models (API reference of 2026)."""
