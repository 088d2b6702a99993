"""What is scored: the loss, the score that a reader sees, and the error that effects are of."""
