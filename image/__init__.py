"""The firmware image of Luna: how it is built, and for which boards."""
