"""``manage.py serve``: the whole platform in one command."""
