"""Where it helps: rates by batch sizes."""
