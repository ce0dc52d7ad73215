"""NetworkManager's D-Bus API, one module an object; nothing here decides anything.

Reference: https://networkmanager.dev/docs/api/latest/spec.html
"""
