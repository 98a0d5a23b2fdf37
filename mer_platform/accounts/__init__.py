"""Accounts of the installation: sessions, and what administrators decide. It knows of no project."""
