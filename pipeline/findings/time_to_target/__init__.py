"""How long an arm takes to a target."""
