"""The sections of a page, one question each: figures in, words, tables and drawings out."""
