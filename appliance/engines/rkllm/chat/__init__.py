"""Chat on a runtime that only continues tokens: pure parts, text and tokens in, values out."""
