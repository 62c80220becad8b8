"""Scores of the official test protocols, in NumPy: `oks` (COCO) and `pck` (MPII, LSP).

Nothing is imported here; take the functions from the modules.
"""
