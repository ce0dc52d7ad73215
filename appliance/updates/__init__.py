"""Updates of the firmware image: which are allowed, and when a new system is trusted."""
