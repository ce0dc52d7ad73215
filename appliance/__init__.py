"""Luna: a private language-model appliance for RK3588 boards."""

__version__ = "0.1.0"
