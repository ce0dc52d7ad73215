"""The `luna` command."""
