"""Predictions for images in three lines, a class for each task."""
