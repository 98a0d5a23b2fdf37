"""The lock for making descriptions of operations: the library keeps the view that it describes in a place of the class."""

from threading import RLock

DESCRIBING = RLock()
