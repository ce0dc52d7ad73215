"""Models from a USB stick: found, copied, checked, and told of."""
