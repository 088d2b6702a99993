"""Figures in, pages out: charts, sentences and tables. Nothing is computed here."""
