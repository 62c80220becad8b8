"""The client by gRPC, the kit, and the check, of a real exported model."""

import inspect
import json
import shutil
import subprocess
import venv
from types import SimpleNamespace

import grpc
import numpy as np
import pytest
import tensorflow as tf
import yaml
from command_line import fail, run
from google.protobuf import text_format
from grpc_server import Services, grpc_running
from servers import running
from slow_params import cases
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from hrnet_tf.predict import Predictor, read_model
from hrnet_tf.serving import Client, ServerError
from hrnet_tf.serving.engine import Engine
from hrnet_tf.serving.kit import KitSettings, batching_config, monitoring_config
from hrnet_tf.weights.exported import EXTRA


@pytest.fixture(scope="module")
def services(pose_folder):
    return Services(pose_folder / "1", "pose")


@pytest.fixture(scope="module")
def port(services):
    with grpc_running(services) as found:
        yield found


@pytest.fixture(scope="module")
def rest(pose_folder):
    """The address of the package's own server of the same model."""
    with running(Engine(read_model(pose_folder), pose_folder)) as address:
        yield address


def test_both_ways_give_what_the_model_gives(port, rest, exported, inputs):
    given = inputs(count=2, people=2)
    expected = exported.signatures["serving_default"](**given)
    for url in (f"grpc://127.0.0.1:{port}", rest):
        with Client(url, "pose", token="secret") as client:
            assert client.is_ready()
            boxes = client.signatures["serving_default"]["inputs"]["boxes"]
            assert boxes == ("DT_FLOAT", (None, None, 4))
            found = client.predict(given)
            for name, array in expected.items():
                np.testing.assert_allclose(found[name], array, atol=1e-3)
            with pytest.raises(ServerError) as caught:
                client.run([b"no image"], [[[1, 2, 3, 4]]])
            assert caught.value.status in ("INVALID_ARGUMENT", 400)


def test_grpc_tries_again_and_sends_headers(port, services, inputs):
    url = f"grpc://127.0.0.1:{port}"
    with Client(url, "pose", backoff=0.01, token="secret") as client:
        services.failures = 2
        assert client.predict(inputs())["scores"].shape == (1, 1, 17)
        assert services.metadata["authorization"] == "Bearer secret"
        services.failures = 100
        with pytest.raises(ServerError, match="come again") as caught:
            client.predict(inputs())
        services.failures = 0
        assert caught.value.status == "UNAVAILABLE"
    with Client(url, "other") as client:
        with pytest.raises(ServerError, match="NOT_FOUND"):
            client.states()


def test_grpc_over_tls(services, certificate):
    file, key = (path.read_bytes() for path in certificate)
    credentials = grpc.ssl_server_credentials([(key, file)])
    with grpc_running(services, credentials) as port:
        url = f"grpcs://localhost:{port}"
        with Client(url, "pose", ca_file=certificate[0]) as client:
            assert client.is_ready()
        with Client(url, "pose", retries=0, timeout=5) as client:
            with pytest.raises(ServerError, match="UNAVAILABLE"):
                client.states()


def test_results_are_those_of_the_predictor(rest, pose_folder, photo):
    import requests

    boxes = [[1, 2, 60, 80], [20, 20, 40, 50]]
    expected = Predictor.load(pose_folder).predict(photo, boxes=boxes)
    text = ";".join(",".join(map(str, box)) for box in boxes)
    url = f"{rest}/v1/models/pose:results?boxes={text}"
    found = requests.post(url, data=photo).json()
    assert (found["height"], found["width"]) == (120, 90)
    assert found["keypoint_set"]["names"][0] == "nose"
    points = np.array([person["keypoints"] for person in found["people"]])
    np.testing.assert_allclose(points[..., :2], expected.xy, atol=2e-3)
    response = requests.post(rest + "/v1/models/pose:results", data=photo[:-900])
    assert response.status_code == 400
    assert "or damaged" in response.json()["error"]


def read_manifest(api, text, kind):
    """Kubernetes' class of a manifest, by the client's releases old and new."""
    if "content_type" in inspect.signature(api.deserialize).parameters:
        return api.deserialize(text, kind, "application/json")
    return api.deserialize(SimpleNamespace(data=text), kind)


class TestKit:
    @pytest.fixture(scope="class")
    def kit(self, pose_folder, tmp_path_factory):
        folder = tmp_path_factory.mktemp("kit") / "serving"
        result = run("serving-kit", pose_folder, "--out", folder, "--replicas", "2-5")
        assert "batching" in result.out and "off: requests to pose" in result.out
        return folder

    def test_the_records_run(self, kit, pose_folder, services):
        path = pose_folder / "1" / EXTRA / "tf_serving_warmup_requests"
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        names = set()
        for record in records:
            log = prediction_log_pb2.PredictionLog.FromString(record)
            request = log.predict_log.request
            assert request.model_spec.name == "pose"
            names.add(request.model_spec.signature_name)
            arrays = {k: tf.make_ndarray(x) for k, x in request.inputs.items()}
            found = services.loaded.signatures[request.model_spec.signature_name](
                **{name: tf.constant(x) for name, x in arrays.items()}
            )
            assert found["keypoints"].shape[-2:] == (17, 2)
        assert names == set(services.loaded.signatures)

    def test_the_models_are_found(self, kit):
        config = model_server_config_pb2.ModelServerConfig()
        text_format.Parse((kit / "models.config").read_text(), config)
        (model,) = config.model_config_list.config
        assert (model.name, model.base_path) == ("pose", "/models/pose")
        assert model.model_version_policy.latest.num_versions == 1

    def test_compose_mounts_what_is_there(self, kit, pose_folder):
        service = yaml.safe_load((kit / "compose.yaml").read_text())
        service = service["services"]["serving"]
        mounts = [text.split(":") for text in service["volumes"]]
        sources = {target: (kit / path).resolve() for path, target, _ in mounts}
        assert sources["/models/pose"] == pose_folder
        assert all(path.exists() for path in sources.values())
        assert all(mode == "ro" for *_, mode in mounts)
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        given = dict(text.split("=") for text in service["command"])
        configs = {given["--model_config_file"], given["--monitoring_config_file"]}
        assert configs <= set(sources) and "--enable_batching" not in given

    def test_the_check_of_health_tells_whether_the_model_is_there(self, kit, rest):
        service = yaml.safe_load((kit / "compose.yaml").read_text())
        *shell, script = service["services"]["serving"]["healthcheck"]["test"]
        script = script.replace("8501", rest.rpartition(":")[2])
        for text, code in ((script, 0), (script.replace("pose", "other"), 1)):
            done = subprocess.run([*shell[1:], text], timeout=60)
            assert done.returncode == code

    def test_kubernetes_own_classes_take_the_manifests(self, kit):
        from kubernetes import client

        kinds = {
            "Deployment": "V1Deployment",
            "Service": "V1Service",
            "HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler",
            "PodDisruptionBudget": "V1PodDisruptionBudget",
        }
        objects = list(yaml.safe_load_all((kit / "kubernetes.yaml").read_text()))
        assert [one["kind"] for one in objects] == list(kinds)
        api, sent = client.ApiClient(), {}
        for one in objects:
            read = read_manifest(api, json.dumps(one), kinds[one["kind"]])
            # Nothing is left out for being unknown.
            assert api.sanitize_for_serialization(read) == one
            sent[one["kind"]] = read
        pod = sent["Deployment"].spec.template
        labels = sent["Deployment"].spec.selector.match_labels
        assert labels == pod.metadata.labels == sent["Service"].spec.selector
        scale = sent["HorizontalPodAutoscaler"].spec
        assert (scale.min_replicas, scale.max_replicas) == (2, 5)

    def test_what_is_wrong_is_told(self, kit, pose_folder, tmp_path):
        assert "exists" in fail("serving-kit", pose_folder, "--out", kit)
        # Whose folder would else be replaced by the kit.
        for other in (pose_folder, pose_folder.parent):
            command = ["serving-kit", pose_folder, "--out", other, "--overwrite"]
            assert "which are never removed" in fail(*command)
        assert (pose_folder / "1" / "saved_model.pb").is_file()
        # No address or Dockerfile has blanks in it.
        spaced = shutil.copytree(pose_folder, tmp_path / "my model")
        text = fail("serving-kit", spaced, "--out", tmp_path / "kit")
        assert "called 'my model'" in text and "Rename it" in text
        command = ["serving-kit", pose_folder, "--out", tmp_path / "kit"]
        assert "MIN-MAX" in fail(*command, "--replicas", "3")
        assert "1 <= MIN" in fail(*command, "--replicas", "3-2")
        absent = fail("serving-kit", tmp_path / "absent", "--out", tmp_path / "kit")
        assert "absent" in absent
        assert not (tmp_path / "kit").exists()


class TestCheck:
    @pytest.mark.parametrize("way", cases(["rest", "grpc"], quick=["rest"]))
    def test_of_a_good_server(self, way, rest, port, pose_folder, photo, tmp_path):
        image = tmp_path / "photo.jpg"
        image.write_bytes(photo)
        url = rest if way == "rest" else f"grpc://127.0.0.1:{port}"
        command = ["serve-check", url, "--name", "pose", "--image", image]
        text = run(*command, "--model", pose_folder).out
        assert text.count(" ok ") == 6 and "WRONG" not in text, text

    @pytest.mark.slow
    def test_of_a_wrong_one(self, pose_folder):
        class Wrong(Engine):
            def predict(self, name, requests):
                found = super().predict(name, requests)
                return [{k: x + 1.0 for k, x in one.items()} for one in found]

        with running(Wrong(read_model(pose_folder), pose_folder)) as address:
            command = ["serve-check", address, "--name", "pose"]
            text = run(*command, "--model", pose_folder, exit_code=1).out
            assert "compared  WRONG" in text
            text = run("serve-check", address, "--name", "x", exit_code=1).out
            assert "There is no model x" in text


@pytest.mark.slow
def test_the_official_protos_read_the_configurations(tmp_path):
    """Those of batching and monitoring, which tensorflow-serving-api lacks."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--no-deps"]
    subprocess.run([*install, "pythie-serving==3.4.3", "protobuf<5"], check=True)
    settings = KitSettings(max_batch_size=6, cores=3)
    script = f"""
import sys, sysconfig, types
# The package itself would import a server, and all that this needs.
package = types.ModuleType("pythie_serving")
package.__path__ = [sysconfig.get_paths()["purelib"] + "/pythie_serving"]
sys.modules["pythie_serving"] = package
from google.protobuf import text_format
from pythie_serving.tensorflow_proto.tensorflow_serving.config import (
    monitoring_config_pb2)
from pythie_serving.tensorflow_proto.tensorflow_serving.servables.tensorflow import (
    session_bundle_config_pb2)
batching = session_bundle_config_pb2.BatchingParameters()
text_format.Parse({batching_config(settings)!r}, batching)
monitoring = monitoring_config_pb2.MonitoringConfig()
text_format.Parse({monitoring_config()!r}, monitoring)
assert list(batching.allowed_batch_sizes) == [1, 2, 4, 6], batching
assert batching.max_batch_size.value == 6 and batching.num_batch_threads.value == 3
assert monitoring.prometheus_config.enable, monitoring
"""
    done = subprocess.run([python, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
