"""Momentum and epsilon."""
