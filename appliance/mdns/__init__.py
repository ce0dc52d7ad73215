"""Discovery on the local network by mDNS and DNS-SD (RFC 6762, RFC 6763)."""
