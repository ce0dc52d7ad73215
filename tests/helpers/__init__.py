"""Things that tests and benchmarks share."""
