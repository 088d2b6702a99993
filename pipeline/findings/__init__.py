"""What a reader sees as one finding lies in one folder: its figures, its chart, its section."""
