"""Predictions as files of annotation tools, for people to correct."""
