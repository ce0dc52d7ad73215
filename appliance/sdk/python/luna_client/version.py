"""Which version of this package it is."""

VERSION = "0.1.0"
