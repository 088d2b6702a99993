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

    entry.py         one run as it should be
    entries.py       snapshot -> the runs that should exist (pure)
    leaves.py        an answer as a run (pure)
    parameters.py    a question as flat names and texts (pure)
    notes.py         what a run asks and answers, in sentences (pure)
    difference.py    which run is whose, and whether it lacks something (pure)
    mirror.py        carry the difference out
    runs.py          one run: created, completed, finished
    beside.py        the process that writes the run of `normbench train`
    models.py        a winner's model without TensorFlow, and its place in the registry
    origin.py        who writes, from which checkout
    connection.py    where MLflow is

Optuna, for searches in optuna-dashboard:

    optuna_studies.py     snapshot -> the studies that should exist, and what they lack (pure)
    optuna_trials.py      an answer as a trial of Optuna
    optuna_mirror.py      add what is missing
    optuna_connection.py  where the database is
"""
