"""The command line, and the supervisor behind `make run`."""
