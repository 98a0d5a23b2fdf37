"""``manage.py serve``: the whole platform as one command."""
