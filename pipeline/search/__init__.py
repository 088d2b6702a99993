"""Which trial next: a function of the study and of what is known."""
