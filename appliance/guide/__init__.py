"""The bundled model `luna-guide`: its text, its training, its evaluation and the finished file."""

from pathlib import Path


def model_path() -> Path:
    """Path of the shipped GGUF file."""
    return Path(__file__).with_name("luna-guide.gguf")
