"""One short module per command; each reads what the one before it wrote."""
