"""`luna bench`: how quick a server is under load, and what our layer costs above the engine."""
