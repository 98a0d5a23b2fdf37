"""Versions of what is stored; imports nothing, so that the web may ask."""

# Raised by whoever changes what is spotted, so that suggestions of another program are made anew.
SPOTTER_VERSION = "3"
