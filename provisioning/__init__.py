"""Luna's WiFi provisioning; so far only the package's name, the service does not exist yet."""
