"""Files of annotation tools, read as examples."""
