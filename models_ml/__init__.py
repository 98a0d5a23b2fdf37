"""The science of the platform as a library: no Django, usable from a notebook."""
