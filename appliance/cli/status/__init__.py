"""`luna status`: what a person in front of the device wants to know."""
