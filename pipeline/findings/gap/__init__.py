"""Training against inference, step by step."""
