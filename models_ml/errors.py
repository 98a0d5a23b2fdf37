"""The exception that carries a sentence for a researcher."""


class InputError(ValueError):
    """Input that cannot be used. ``str(error)`` says what is wrong, where, and what to do next."""
