"""Run the command line as `python -m reconciler`."""

from reconciler.cli.main import main

main()
