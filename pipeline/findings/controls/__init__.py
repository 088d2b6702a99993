"""Statements whose truth is known beforehand."""
