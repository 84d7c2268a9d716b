#!/usr/bin/env python
"""Run a management command; start the embedded servers first, if they are meant and the command needs them."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from config import embedded

NEED_NO_SERVER = {"help", "version", "--help", "--version", "simulate_marketplace", "collectstatic"}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if embedded.wanted(os.environ) and not NEED_NO_SERVER.intersection(sys.argv[1:2]):
        embedded.start(Path(__file__).resolve().parent, os.environ)
    execute_from_command_line(sys.argv)
