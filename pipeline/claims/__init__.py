"""Somebody's sentences, and the verdicts on them."""
