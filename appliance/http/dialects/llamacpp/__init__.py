"""llama.cpp's own API (tools/server/README.md of 2026), with what its server of 2024 told too."""
