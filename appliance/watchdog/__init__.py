"""The watchdog: sees whether NPU, engines and server are well, and helps them when they are not."""
