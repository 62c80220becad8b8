"""What the processes of a run end with, by which a supervisor knows what to do."""

# An error that was explained to the user: another try would meet it again.
EXPLAINED = 1
# What Click and Python end with after wrong options.
USAGE = 2
# EX_UNAVAILABLE: another worker of the cluster was lost.
PEER_LOST = 69
# EX_SOFTWARE: an error that nobody foresaw, shown with Python's traceback.
UNEXPECTED = 70
# EX_OSERR: the port that this worker was to listen on is in use.
PORT_TAKEN = 71
# EX_TEMPFAIL, after SIGTERM: nothing is wrong, and trying again later goes on.
PREEMPTED = 75
# Of shells, after Ctrl-C.
INTERRUPTED = 130
