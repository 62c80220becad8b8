"""`hrnet data-service`."""

import threading
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug
from hrnet_tf.launch.keras_import import import_keras

PortOption = Annotated[
    int,
    typer.Option(metavar="N", min=1, max=65535, help="Where the training connects to."),
]
WorkerPortOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=65535,
        help="Where it fetches the examples; open both in a firewall.",
        show_default="the one after --port",
    ),
]
HostOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The name or address by which the machine of the training reaches this"
        " one.",
        show_default="this machine's name",
    ),
]


@common.command(interrupted="Stopped.")
def data_service(
    port: PortOption = 5050,
    worker_port: WorkerPortOption = None,
    host: HostOption = None,
    debug: Debug = False,
) -> None:
    """Decode and augment images for a training on another machine.

    Start it on machines with free CPUs that see the data under the same paths, then
    train with --data-service for each of them. The training gets the same batches, bit
    for bit, as without. It ends with Ctrl-C, or when its process is killed; the
    training then waits, and is to be started again, which goes on from its saved state.
    Only for networks where you trust everybody: there is no password.

    Example:
      hrnet data-service --port 5050 --host worker7
      hrnet train recipes/coco_pose_w32_256x192.py --out runs/w32 \\
          --data-service grpc://worker7:5050
    """
    with common.spinner("loading TensorFlow"):
        import socket

        import_keras()

        from hrnet_tf.data.service import DataService

    service = DataService(port, host or socket.gethostname(), worker_port or port + 1)
    common.print_facts({"serving": service.address})
    try:
        threading.Event().wait()
    finally:
        service.stop()
