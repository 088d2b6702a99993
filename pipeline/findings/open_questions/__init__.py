"""What was not tested."""
