"""The HTTP edge: a hardened server, and the application with its routes and dialects."""
