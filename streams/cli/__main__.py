"""The entry point for `python -m streams.cli`. The launcher starts it once the Python environment is complete."""

from streams.cli.main import main

main()
