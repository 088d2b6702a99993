"""How one trial is trained and measured, to the last bit."""
