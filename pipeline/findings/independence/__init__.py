"""Outputs and their batch."""
