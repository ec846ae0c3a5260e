"""The command line behind `make`: set up, build the pages, run, test. It sits above the app and may import it."""
