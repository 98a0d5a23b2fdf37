"""Version of the spotter; imports nothing, so that web processes can read it."""

# Raise it with each change of what is spotted: suggestions of another version are computed again.
SPOTTER_VERSION = "3"
