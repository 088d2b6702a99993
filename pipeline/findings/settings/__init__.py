"""Settings that were fixed beforehand and varied."""
