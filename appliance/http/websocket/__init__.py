"""WebSockets (RFC 6455) on the ports of the HTTP server."""
