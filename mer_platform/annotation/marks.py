"""The names of the marks and of the fields that every marking has."""

MARKS = ("onset", "apex", "offset")
CODED_FIELDS = (*MARKS, "kind", "emotion", "action_units")
