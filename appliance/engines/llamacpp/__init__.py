"""The CPU engine: llama.cpp's server in a child process, spoken to over HTTP on a Unix socket."""
