"""Runs in, samples and estimates out: functions of tables, without a clock or a file."""
