"""The gate: rules about the code, the packaging and the documents, as ordinary tests."""
