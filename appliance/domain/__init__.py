"""Pure values and rules: no I/O, no clock, no thread but the caller's."""
