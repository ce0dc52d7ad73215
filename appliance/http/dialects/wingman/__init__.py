"""Wingman's control API (its document of November 2023)."""
