"""Which runs failed."""
