"""Statistics over tables: answers in, figures out, nothing read and nothing written."""
