"""The models folder: what is in it, whether it can be used, and under which names."""
