"""Projects of any size for measurements: rows as a lab has them after years, without files, in a few minutes."""
