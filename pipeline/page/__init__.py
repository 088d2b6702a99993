"""What pages are made of: blocks, charts, templates."""
