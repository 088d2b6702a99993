"""This release; apart from everything else, so that no result depends on its number."""

VERSION = "0.1.0"
