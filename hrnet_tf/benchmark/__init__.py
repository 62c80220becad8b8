"""How fast, how large and how exact the files of a model are on this machine."""
