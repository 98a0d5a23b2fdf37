"""A run's configuration as people write and read it: checked, in words, as form fields. Knows no database and no app."""
