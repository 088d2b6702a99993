"""Kinds of effects: what a claim compares, each a function from runs to a sample.

A kind is called as `kind(treatment, control, block=..., **arguments)`, without
`control` where a claim is about one side, and returns one value per block or
seed: treatment minus control. A claim's file names it by its dotted path, so that
a further kind is a further module, here or elsewhere. Its signature and `reads` say
what a claim may give it and how it reads (`pipeline/claims/kind.py`).
"""
