"""The processes that train together, as TF_CONFIG, Slurm or Kubernetes tell."""

import json
import os
import re
import time
from types import SimpleNamespace
from typing import Any


def read_cluster(text: str) -> dict[str, Any]:
    """Reads TF_CONFIG.

    Args:
        text: str, json.
    Returns:
        A dict, empty or with "cluster": {"worker": list of "host:port"} and "task":
        {"type": "worker", "index": int}.
    Raises:
        ValueError: if it describes no cluster of workers.
    """
    wanted = (
        ' Expected for instance {"cluster": {"worker": ["a:2222", "b:2222"]}, "task":'
        ' {"type": "worker", "index": 0}}.'
    )
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"TF_CONFIG is no valid json ({error}). Received: {text!r}.{wanted}"
        ) from error
    if config == {}:
        return {}
    try:
        workers, task = config["cluster"]["worker"], config["task"]
        kind, index = task["type"], int(task["index"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"TF_CONFIG lacks the workers or this process' task. Received: {text}."
            + wanted
        ) from error
    others = sorted(set(config["cluster"]) - {"worker"})
    if others or kind != "worker":
        raise ValueError(
            f"TF_CONFIG may hold workers alone (the first is the chief), but names"
            f" {', '.join(others) or kind}.{wanted}"
        )
    for address in workers:
        host, colon, port = str(address).rpartition(":")
        if not (host and colon and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(
                f"TF_CONFIG names a worker that is no host:port: {address!r}.{wanted}"
            )
    if len(set(workers)) != len(workers):
        raise ValueError(f"TF_CONFIG names a worker twice: {workers}.")
    if not 0 <= index < len(workers):
        raise ValueError(
            f"TF_CONFIG's task index is {index}, but there are {len(workers)} workers:"
            f" expected 0 to {len(workers) - 1}."
        )
    return {"cluster": {"worker": workers}, "task": {"type": kind, "index": index}}


def find_cluster(timeout: float) -> dict[str, Any]:
    """Asks Slurm or Kubernetes for the cluster that this process is a worker of.

    Args:
        timeout: float. Seconds that the pods of a Kubernetes job have to run.
    Returns:
        A dict in the form of `read_cluster`.
    Raises:
        ValueError: if there is neither, or no cluster in what they tell.
    """
    if "SLURM_STEP_NUM_TASKS" in os.environ:
        workers, index = _slurm_tasks()
    elif "KUBERNETES_SERVICE_HOST" in os.environ and "JOB_NAME" in os.environ:
        workers, index = _running_pods(os.environ["JOB_NAME"], timeout)
    else:
        raise ValueError(
            "The strategy 'multiworker' needs a cluster, and neither TF_CONFIG nor"
            " Slurm's variables nor a Kubernetes job's (JOB_NAME,"
            " JOB_COMPLETION_INDEX) are set. On one machine `hrnet train --workers N`"
            " sets the first."
        )
    task = {"type": "worker", "index": index}
    return read_cluster(json.dumps({"cluster": {"worker": workers}, "task": task}))


def _slurm_tasks():
    """The addresses of a step's tasks, and which of them this is."""
    import tensorflow as tf

    variables = os.environ
    # The first of what srun --resv-ports has reserved.
    port = re.split("[-,]", variables.get("SLURM_STEP_RESV_PORTS", "8888"))[0]
    try:
        # Slurm hands out the GPUs; left to itself, TensorFlow would ask nvidia-smi.
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=int(port),
            gpus_per_node=int(variables["SLURM_STEP_NUM_TASKS"]),
            gpus_per_task=1,
            auto_set_gpu=False,
        )
        workers = resolver.cluster_spec().as_dict()["worker"]
        hosts = resolver._resolve_hostlist()
        index = int(variables["SLURM_PROCID"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"Slurm's variables describe no step of tasks: {error}. Start the training"
            " by srun, or set TF_CONFIG."
        ) from error

    def host(worker):
        return worker.rpartition(":")[0]

    # TensorFlow sorts machines as texts, node10 before node9; Slurm counts its tasks
    # in the order of the list.
    workers.sort(key=lambda worker: hosts.index(host(worker)))
    here = hosts[int(variables.get("SLURM_NODEID", hosts.index(host(workers[index]))))]
    if here != host(workers[index]):
        raise ValueError(
            f"Slurm has put task {index} on {here}, but in blocks it would be on"
            f" {host(workers[index])}. Pass --distribution=block to srun."
        )
    return workers, index


def _running_pods(job, timeout):
    """The addresses of an indexed job's pods, and which of them this is."""
    import tensorflow as tf

    pods = _JobPods(job)
    deadline = time.monotonic() + timeout
    while missing := pods.find_missing():
        if time.monotonic() > deadline:
            raise ValueError(
                f"After {timeout:.0f} s not all pods of the job {job} are running:"
                f" {missing}. Check the job by kubectl describe, or set TF_CONFIG."
            )
        time.sleep(1.0)
    resolver = tf.distribute.cluster_resolver.KubernetesClusterResolver(
        {"worker": [f"job-name={job}"]}, override_client=pods
    )
    workers = resolver.cluster_spec().as_dict()["worker"]
    return workers, int(os.environ["JOB_COMPLETION_INDEX"])


class _JobPods:
    """The pods of an indexed job, as TensorFlow's resolver has to see them.

    Left to itself it reads a kubeconfig file even in a pod, which has none, looks into
    all namespaces, orders pods by name, -10 before -2, and takes the addresses of the
    machines that they are on.
    """

    def __init__(self, job):
        try:
            from kubernetes import client, config
        except ImportError as error:
            raise ValueError(
                "Asking Kubernetes for the pods of a job needs the package kubernetes:"
                " pip install 'hrnet_tf[kubernetes]'. Or set TF_CONFIG."
            ) from error
        try:
            # A kubeconfig file if there is one, else what is mounted into each pod.
            config.load_config()
        except config.ConfigException as error:
            raise ValueError(
                f"Kubernetes cannot be asked for the job {job}: {error}. Mount the"
                " token of a service account, or set TF_CONFIG."
            ) from error
        self._job, self._namespace = job, _namespace()
        self._pods, self._jobs = client.CoreV1Api(), client.BatchV1Api()
        self._found = {}

    def find_missing(self):
        """Looks for the pods; returns what is missing, as a text that may be empty."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            job = self._jobs.read_namespaced_job(self._job, self._namespace)
            listed = self._pods.list_namespaced_pod(
                self._namespace, label_selector=f"job-name={self._job}"
            )
        except HTTPError as error:
            return f"the API server does not answer ({error})"
        except ApiException as error:
            if error.status >= 500:
                return f"the API server answers {error.status} {error.reason}"
            raise ValueError(
                f"Kubernetes answers {error.status} {error.reason} when asked for the"
                f" job {self._job} in the namespace {self._namespace}. The pods'"
                " service account has to be allowed to get jobs and to list pods."
                " Or set TF_CONFIG."
            ) from error
        self._check(job.spec)
        self._found, phases = {}, {}
        for pod in listed.items:
            ended = pod.status.phase in ("Succeeded", "Failed")
            # One that is replaced stays in the list beside its successor.
            if ended or pod.metadata.deletion_timestamp is not None:
                continue
            index = _completion_index(pod)
            phases[index] = f"{pod.metadata.name} ({pod.status.phase})"
            if pod.status.phase == "Running" and pod.status.pod_ip:
                self._found[index] = pod.status.pod_ip
        absent = [i for i in range(job.spec.completions) if i not in self._found]
        return ", ".join(f"{i}: {phases.get(i, 'no pod')}" for i in absent)

    def _check(self, spec):
        """Raises ValueError unless all pods of the job run at once, with an index."""
        parallelism = 1 if spec.parallelism is None else spec.parallelism
        if spec.completion_mode != "Indexed" or parallelism < spec.completions:
            raise ValueError(
                f"The job {self._job} must have completionMode: Indexed, and as much"
                " parallelism as completions. Received:"
                f" completionMode={spec.completion_mode},"
                f" parallelism={parallelism}, completions={spec.completions}."
            )

    def list_pod_for_all_namespaces(self, label_selector):
        """What TensorFlow's resolver calls."""
        assert label_selector == f"job-name={self._job}"
        return SimpleNamespace(
            items=[
                SimpleNamespace(
                    metadata=SimpleNamespace(name=f"{index:09}"),
                    status=SimpleNamespace(
                        phase="Running", host_ip=f"[{ip}]" if ":" in ip else ip
                    ),
                )
                for index, ip in self._found.items()
            ]
        )


def _completion_index(pod):
    key = "batch.kubernetes.io/job-completion-index"
    # A label too, since Kubernetes 1.28.
    return int((pod.metadata.annotations or {}).get(key, pod.metadata.labels.get(key)))


def _namespace():
    """The namespace of this pod, or of the kubeconfig file."""
    from kubernetes import config

    mounted = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
    try:
        with open(mounted, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        pass
    try:
        _, active = config.list_kube_config_contexts()
    except config.ConfigException:
        return "default"
    return active["context"].get("namespace", "default")
