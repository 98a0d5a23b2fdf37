"""What turns a trained network into a model that others can use: limits, calibration, export and packages.

Nothing here knows a database or a web server. ``limits`` and ``temperature`` need NumPy (and SciPy) only.
"""
