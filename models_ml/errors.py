"""The exception that carries a sentence for a researcher."""


class InputError(ValueError):
    """Input that cannot be used. ``str(error)`` says what is wrong, where, and what to do next.

    ``code`` names the kind of problem for programs; empty where no program distinguishes it.
    """

    def __init__(self, sentence: str = "", code: str = "") -> None:
        super().__init__(sentence)
        self.code = code
