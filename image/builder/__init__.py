"""Builds the firmware image: `python3 -m image.builder --board virt-arm64`. Standard library only."""
