"""Mirrors of what the store holds, for people who browse: they lag, never lead.

A mirror is built from the sealed outputs, can be deleted at any time, and is
rebuilt by `normbench mirror PROFILE`. Nothing in the pipeline reads one. While
a sweep runs, the mirrors follow it.

    snapshot.py      what a mirror is made of: plan, answers, clocks, models, pages, figures
    mirrors.py       every mirror of a snapshot
    live.py          the mirrors follow a sweep
    one_writer.py    one process at a time writes a mirror
    outage.py        what to say when a mirror is not there

MLflow, for runs:

    entries.py       snapshot -> the runs that should exist (pure)
    parameters.py    a question as flat names and texts (pure)
    fingerprint.py   what a run says, as two digests
    reconcile.py     runs that should exist against runs that do (pure)
    mirror.py        carry the difference out
    connection.py    where MLflow is
    writing.py       one run: create, fill, finish, remove
    keras_flavor.py  a .keras file as a folder MLflow can load, without TensorFlow

Optuna, for searches in optuna-dashboard:

    optuna_studies.py     snapshot -> the studies that should exist, and what they lack (pure)
    optuna_trials.py      an answer as a trial of Optuna
    optuna_mirror.py      add what is missing
    optuna_connection.py  where the database is
"""
