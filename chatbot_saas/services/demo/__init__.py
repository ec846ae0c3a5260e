"""The demo tenant of a first run: a bot that already answers, from a small handbook."""
