"""Where batch normalization helps and where it hurts, settled by measurement."""
