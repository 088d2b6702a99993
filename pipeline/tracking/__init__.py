"""Mirrors of what the store holds, for people who browse: they lag, never lead.

A mirror is built from the sealed outputs, can be deleted at any time, and is
rebuilt by `normbench mirror PROFILE`. Nothing in the pipeline reads one.

    snapshot.py      what a mirror is made of: plan, answers, clocks, models, pages
    entries.py       snapshot -> the runs that should exist (pure)
    parameters.py    a question as flat names and texts (pure)
    fingerprint.py   what a run says, as two digests
    reconcile.py     runs that should exist against runs that do (pure)
    mirror.py        mirror and try_mirror: carry the difference out
    connection.py    where MLflow is, and what to say when it is not there
    writing.py       one run: create, fill, finish, remove
    keras_flavor.py  a .keras file as a folder MLflow can load, without TensorFlow
"""
