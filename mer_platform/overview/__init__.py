"""A project's front page, drawn from all apps; none of them imports it."""
