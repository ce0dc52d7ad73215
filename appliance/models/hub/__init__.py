"""Where models come from: a hub that speaks Hugging Face's HTTP API."""
