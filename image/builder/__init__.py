"""Builds the firmware image: `python3 -m image.builder --board NAME`. Standard library only."""
