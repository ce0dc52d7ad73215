"""One folder for each API that clients speak: parse, render and routes, nothing else."""
