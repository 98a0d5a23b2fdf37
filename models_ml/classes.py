"""The three classes of the MEGC2019 composite, in the order every array, matrix and file uses."""

CLASSES = ("negative", "positive", "surprise")
