"""What a device does once before everything else: become somebody, or forget everything again."""
