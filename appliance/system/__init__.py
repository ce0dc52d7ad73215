"""The operating system: the only code that reads /proc, sysfs, netlink and the service manager."""
