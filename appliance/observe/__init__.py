"""What the server knows of itself: logs and the speed of runs."""
