"""`luna models`: what is in the models folder, and how to get more into it."""
