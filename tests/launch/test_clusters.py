"""The description of a cluster: TF_CONFIG, a step of Slurm, a job of Kubernetes."""

import http.server
import json
import os
import socket
import threading

import numpy as np
import pytest
from case_processes import check_equal, finish, train

from hrnet_tf.launch.clusters import find_cluster, read_cluster

CLUSTER = {
    "cluster": {"worker": ["a:2222", "b:2223"]},
    "task": {"type": "worker", "index": 1},
}


def changed(**changes):
    return json.dumps({**CLUSTER, **changes})


def test_reads_a_cluster():
    assert read_cluster(json.dumps(CLUSTER)) == CLUSTER
    text = changed(task={"type": "worker", "index": "1"})
    assert read_cluster(text) == CLUSTER
    assert read_cluster("{}") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{cluster", "no valid json.*Received: '{cluster'.*Expected for instance"),
        ("[]", "lacks the workers or this process' task"),
        (json.dumps({"cluster": {}}), "lacks the workers"),
        (changed(task={"type": "worker"}), "lacks the workers or this process' task"),
        (changed(task={"type": "ps", "index": 0}), "workers alone.*names ps"),
        (
            changed(cluster={"worker": ["a:1"], "evaluator": ["b:1"]}),
            "workers alone.*evaluator",
        ),
        (changed(cluster={"worker": ["a:1", "b"]}), "no host:port: 'b'"),
        (changed(cluster={"worker": ["a:1", "b:70000"]}), "no host:port: 'b:70000'"),
        (changed(cluster={"worker": ["a:1", "a:1"]}), "names a worker twice"),
        (changed(cluster={"worker": ["a:1"]}), "index is 1, but there are 1 workers"),
    ],
)
def test_wrong_clusters(text, message):
    with pytest.raises(ValueError, match=message):
        read_cluster(text)


@pytest.fixture
def environment(monkeypatch):
    """A function that sets variables; others that tell of a cluster are unset."""
    for name in list(os.environ):
        if name.startswith(("SLURM_", "KUBERNETES_", "JOB_")) or name == "TF_CONFIG":
            monkeypatch.delenv(name)

    def set_variables(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


def slurm(num_tasks, nodes, tasks_per_node, index, **more):
    return {
        "SLURM_STEP_NUM_TASKS": str(num_tasks),
        "SLURM_STEP_NODELIST": nodes,
        "SLURM_STEP_TASKS_PER_NODE": tasks_per_node,
        "SLURM_PROCID": str(index),
        **more,
    }


def test_a_slurm_job(environment):
    environment(**slurm(3, "gpu[07-08]", "2,1", 2, SLURM_NODEID="1"))
    assert find_cluster(0) == {
        "cluster": {"worker": ["gpu07:8888", "gpu07:8889", "gpu08:8888"]},
        "task": {"type": "worker", "index": 2},
    }


def test_slurm_counts_its_nodes_by_number(environment):
    ports = {"SLURM_STEP_RESV_PORTS": "12000-12001"}
    environment(**slurm(3, "node[9-11]", "1(x3)", 0, SLURM_NODEID="0", **ports))
    workers = find_cluster(0)["cluster"]["worker"]
    assert workers == ["node9:12000", "node10:12000", "node11:12000"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            slurm(4, "gpu[07-08]", "2(x2)", 1, SLURM_NODEID="1"),
            "task 1 on gpu08, but in blocks it would be on gpu07.*--distribution=block",
        ),
        (slurm(3, "gpu[07-08]", "1(x2)", 0), "describe no step.*3 tasks but only 2"),
        ({"SLURM_STEP_NUM_TASKS": "2"}, "describe no step of tasks.*by srun"),
    ],
)
def test_wrong_steps(environment, variables, message):
    environment(**variables)
    with pytest.raises(ValueError, match=message):
        find_cluster(0)


def two_ports():
    """The first of two neighbouring ports that nobody listens on."""
    for port in range(21000, 32000, 2):
        try:
            for each in (port, port + 1):
                socket.create_server(("", each)).close()
        except OSError:
            continue
        return port
    raise AssertionError("There are no free ports.")


@pytest.mark.slow
def test_two_tasks_of_slurm_train(environment, tmp_path):
    port, case = two_ports(), "clip_accumulation_ema"
    ports = {"SLURM_STEP_RESV_PORTS": f"{port}-{port + 1}", "SLURM_NODEID": "0"}
    outs = [tmp_path / f"{name}.npz" for name in ("one", "workers")]
    finish(train(outs[0], "1", [case]))
    tasks = [slurm(2, "localhost", "2", index, **ports) for index in range(2)]
    finish(*(train(outs[1], "workers", [case], **task) for task in tasks))
    one, found = (np.load(out) for out in outs)
    check_equal(found, one, case)


def pod(index, phase="Running", ip=None, suffix="aaaaa", **metadata):
    key = "batch.kubernetes.io/job-completion-index"
    return {
        "metadata": {
            "name": f"pose-{index}-{suffix}",
            "namespace": "training",
            "annotations": {key: str(index)},
            "labels": {"job-name": "pose"},
            **metadata,
        },
        "spec": {"containers": []},
        "status": {
            "phase": phase,
            "hostIP": "192.168.0.1",
            "podIP": ip or f"10.0.0.{index}",
        },
    }


class Server:
    """Answers as a Kubernetes API server would about one job.

    Attributes:
        answers: list of lists of pods; the last one is repeated.
        status: int, of the answers.
    """

    def __init__(self, folder):
        self.answers, self.status, self.queries = [[]], 200, []
        self.spec = {"completionMode": "Indexed", "completions": 2, "parallelism": 2}
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(server.answer(self.path)).encode()
                self.send_response(server.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.config = folder / "kubeconfig"
        self.config.write_text(json.dumps(self.kubeconfig()))

    def kubeconfig(self):
        address = f"http://127.0.0.1:{self.http.server_port}"
        context = {"cluster": "it", "user": "me", "namespace": "training"}
        return {
            "clusters": [{"name": "it", "cluster": {"server": address}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "here", "context": context}],
            "current-context": "here",
        }

    def answer(self, path):
        self.queries.append(path)
        if path.startswith("/apis/batch/v1/namespaces/training/jobs/pose"):
            template = {"spec": {"containers": []}}
            return {"metadata": {}, "spec": {**self.spec, "template": template}}
        assert path.startswith("/api/v1/namespaces/training/pods?labelSelector=job-")
        pods = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return {"metadata": {}, "items": pods}


@pytest.fixture
def server(environment, monkeypatch, tmp_path):
    config = pytest.importorskip("kubernetes.config")
    found = Server(tmp_path)
    for module in (config, config.kube_config):
        monkeypatch.setattr(module, "KUBE_CONFIG_DEFAULT_LOCATION", str(found.config))
    environment(
        KUBERNETES_SERVICE_HOST="127.0.0.1",
        JOB_NAME="pose",
        JOB_COMPLETION_INDEX="1",
    )
    yield found
    found.http.shutdown()
    found.http.server_close()


def test_pods_are_ordered_by_their_index(server):
    server.spec |= {"completions": 12, "parallelism": 12}
    # As the server orders them: by name.
    server.answers = [[pod(i) for i in sorted(range(12), key=str)]]
    assert find_cluster(0) == {
        "cluster": {"worker": [f"10.0.0.{i}:8470" for i in range(12)]},
        "task": {"type": "worker", "index": 1},
    }


def test_waits_until_all_pods_run(server):
    gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    server.answers = [
        [pod(0)],
        [pod(0), pod(1, "Pending")],
        [
            pod(0, "Failed", ip="10.0.0.7"),
            pod(1, ip="10.0.0.8", **gone),
            pod(1, ip="fd00::9", suffix="zzzzz"),
            pod(0, suffix="zzzzz"),
        ],
    ]
    workers = find_cluster(30)["cluster"]["worker"]
    assert workers == ["10.0.0.0:8470", "[fd00::9]:8470"]
    assert sum("/pods" in query for query in server.queries) == 3


def test_pods_that_do_not_run_are_named(server):
    server.answers = [[pod(0, "Pending")]]
    with pytest.raises(
        ValueError,
        match=r"After 0 s .* job pose .*: 0: pose-0-aaaaa \(Pending\), 1: no pod\.",
    ):
        find_cluster(0)


def test_jobs_whose_pods_do_not_run_at_once(server):
    server.spec["parallelism"] = 1
    with pytest.raises(ValueError, match="parallelism=1, completions=2"):
        find_cluster(0)
    server.spec |= {"parallelism": 2, "completionMode": "NonIndexed"}
    with pytest.raises(ValueError, match="completionMode: Indexed.*=NonIndexed"):
        find_cluster(0)


def test_kubernetes_refuses(server):
    server.status = 403
    with pytest.raises(ValueError, match="403 Forbidden.*pose.*training.*list pods"):
        find_cluster(0)
    server.status = 503
    with pytest.raises(ValueError, match="After 0 s .*server answers 503"):
        find_cluster(0)


def test_kubernetes_does_not_answer(server):
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(ValueError, match="After 0 s .*server does not answer"):
        find_cluster(0)
