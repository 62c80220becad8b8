"""Keypoints with tags of the people they belong to: targets, and their grouping."""
