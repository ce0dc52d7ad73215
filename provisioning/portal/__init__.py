"""The captive portal and the setup page: a small web server of its own, for the setup network."""
