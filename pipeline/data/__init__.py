"""Datasets: found, checked, split, and written as arrays that workers map."""
