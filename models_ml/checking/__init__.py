"""What must hold for every network, callable outside the tests: ``manage.py check_network`` runs it on one.

A network whose members see each other, or whose held-out samples influence a fold, gives wrong results without any error.
The tests of the platform run the same checks on all of its networks.
"""
