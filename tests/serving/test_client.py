"""The client, by REST against the package's own server."""

import http.server
import ssl
import threading

import numpy as np
import pytest
from servers import SmallEngine, running

from hrnet_tf.serving import Client, ServerError
from hrnet_tf.serving.client import trimmed


@pytest.fixture(scope="module")
def client(address):
    with Client(address, "small") as made:
        yield made


class Answers(list):
    """What a server is to answer, and the server."""


@pytest.fixture
def flaky():
    """A server that answers with what is in its list, one after the other."""
    answers, seen = Answers(), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(dict(self.headers))
            status, headers, body = answers.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": len(body)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    answers.server = server
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers, seen
    server.shutdown()
    thread.join()
    server.server_close()


GOOD = b'{"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}'


class TestRest:
    def test_knows_the_signatures(self, client):
        assert client.is_ready()
        found = client.signatures["serving_default"]
        assert found["inputs"]["boxes"] == ("DT_FLOAT", (None, None, 4))

    def test_gives_what_the_model_gives(self, client, engine, inputs):
        given = inputs(count=2, people=3)
        expected = engine.signatures["serving_default"](**given)
        found = client.predict(given)
        assert found["means"].dtype == np.float32
        np.testing.assert_allclose(found["means"], expected["means"], rtol=1e-6)
        crops = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
        found = client.predict({"images": crops}, "crops")
        np.testing.assert_allclose(found["colors"], crops.mean((1, 2)), rtol=1e-6)
        assert found["names"].tolist() == ["ä".encode()] * 3

    def test_runs_files_at_once_and_in_their_order(self, client, photo, tmp_path):
        path = tmp_path / "photo.jpg"
        path.write_bytes(photo)
        images = [path, photo] * 4
        boxes = [[[0, 0, 10 * i + 10, 20]] for i in range(8)]
        found = client.run(images, boxes)
        for i, one in enumerate(found):
            alone = client.run([photo], [boxes[i]])[0]["means"]
            assert one["means"].shape == (1,)
            np.testing.assert_array_equal(one["means"], alone)
        assert len({float(one["means"][0]) for one in found}) == 8

    def test_refusals_say_why(self, client, photo):
        with pytest.raises(ServerError, match="Expected the inputs") as caught:
            client.predict({"image_bytes": [photo]})
        assert caught.value.status == 400
        with pytest.raises(ServerError, match="no signature 'x', only serving"):
            client.predict({}, "x")

    def test_models_and_servers_that_are_not_there(self, address):
        with Client(address, "other") as client:
            assert not client.is_ready()
            with pytest.raises(ServerError, match="There is no model other"):
                client.predict({"a": [1]})
        with Client("http://127.0.0.1:9", "small", retries=0) as client:
            with pytest.raises(ServerError, match="did not answer"):
                client.states()

    def test_tokens(self):
        with running(SmallEngine(), token="secret") as address:
            assert Client(address, "small", token="secret").is_ready()
            with pytest.raises(ServerError, match="Bearer") as caught:
                Client(address, "small", token="other").states()
            assert caught.value.status == 401

    def test_tries_again_as_it_is_told(self, flaky):
        address, answers, seen = flaky
        answers += [
            (503, {}, b"{}"),
            (429, {"Retry-After": "0"}, b"{}"),
            (200, {}, GOOD),
        ]
        client = Client(address, "m", backoff=0.01, headers={"X-Team": "a"})
        assert client.states() == ["AVAILABLE"]
        assert [one["X-Team"] for one in seen] == ["a"] * 3

    def test_gives_up_after_some(self, flaky):
        address, answers, seen = flaky
        answers += [(503, {}, b'{"error": "full"}')] * 3
        with pytest.raises(ServerError, match="refused: full") as caught:
            Client(address, "m", retries=2, backoff=0.01).states()
        assert caught.value.status == 503 and len(seen) == 3

    def test_what_is_no_model_server_is_told_so(self, flaky):
        address, answers, _ = flaky
        answers.append((200, {}, b"<html>"))
        with pytest.raises(ServerError, match="no json: '<html>'"):
            Client(address, "m").states()


def test_tls(flaky, certificate):
    address, answers, seen = flaky
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    plain = answers.server.socket
    answers.server.socket = context.wrap_socket(plain, server_side=True)
    url = f"https://localhost:{address.rpartition(':')[2]}"
    answers.append((200, {}, GOOD))
    trusting = Client(url, "m", ca_file=certificate[0], token="secret")
    assert trusting.is_ready()
    assert seen[0]["authorization"] == "Bearer secret"
    with pytest.raises(ServerError, match="self-signed certificate"):
        Client(url, "m", retries=0).states()
    assert len(seen) == 1


@pytest.mark.parametrize("url", ["localhost:8501", "ftp://a", "http://", "http://a:x"])
def test_addresses_that_are_none(url):
    with pytest.raises(ValueError, match="address of a server"):
        Client(url, "m")


def test_keys_without_certificates_are_refused():
    with pytest.raises(ValueError, match="go together"):
        Client("https://a", "m", cert_file="a.pem")


def test_rows_that_fill_up_are_left_out():
    found = trimmed(
        {
            "boxes": np.zeros((1, 5, 4)),
            "scores": np.zeros((1, 5)),
            "num_detections": np.array([2]),
            "sizes": np.array([[3, 4]]),
        }
    )
    assert found["boxes"].shape == (2, 4) and found["scores"].shape == (2,)
    found = trimmed({"labels": np.zeros((1, 9, 9)), "sizes": np.array([[3, 4]])})
    assert found["labels"].shape == (3, 4)
    scores = np.array([[0.9, 0.5, 0.0]])
    people = {"box_scores": scores, "keypoints": np.zeros((1, 3, 17, 2))}
    assert trimmed(people)["keypoints"].shape == (2, 17, 2)
