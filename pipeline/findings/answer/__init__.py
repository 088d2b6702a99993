"""The answer in a minute."""
