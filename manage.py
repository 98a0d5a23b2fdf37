#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
    if sys.argv[1:2] != ["makemigrations"]:  # its files are code, for everyone to read
        os.umask(0o077)  # see mer_platform/data_folder.py
    execute_from_command_line(sys.argv)
