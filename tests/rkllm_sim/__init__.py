"""A stand-in for the vendor's NPU runtime, for tests and benchmarks on any machine."""
