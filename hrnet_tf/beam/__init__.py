"""Pipelines of Apache Beam, for data larger than a machine. Needs the extra "beam".

They run on this machine, or on a cluster (Dataflow, Flink, Spark) whose workers have
hrnet_tf installed and see the files under the same paths.
"""

import logging

_disabled = logging.root.manager.disable
# Beam warns of each cloud whose libraries are not installed.
logging.disable(logging.WARNING)
try:
    import apache_beam  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"hrnet_tf.beam needs Apache Beam, which cannot be imported here ({error})."
        " Install it with: pip install 'hrnet_tf[beam]'"
    ) from error
finally:
    logging.disable(_disabled)
