"""Anthropic's Messages API (version 2023-06-01, as its clients of 2026 use it)."""
