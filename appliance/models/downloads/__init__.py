"""Models that are being fetched: what is asked for, what has come, how it gets into view."""
