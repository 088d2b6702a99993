"""What to do: one decision for each situation that a practitioner is in."""
