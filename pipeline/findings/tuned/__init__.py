"""Tuned arms on test examples."""
