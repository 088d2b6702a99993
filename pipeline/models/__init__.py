"""Networks that call a norm factory where a norm belongs."""
