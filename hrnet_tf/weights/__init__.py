"""Weights of other frameworks: reading their files, naming, assigning."""
