"""Where batch normalization helps and where it hurts, settled by measurement."""

__version__ = "0.1.0"
