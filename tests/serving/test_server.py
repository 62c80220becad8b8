"""The server's addresses, limits and manners, over real connections."""

import base64
import json
import threading
import time

import numpy as np
import pytest
import requests
from served import PREDICT, RESULTS, VERSION, error_of, rows
from servers import SmallEngine, running

from hrnet_tf.serving.examples import drawn_image, encoded
from hrnet_tf.serving.tensors import encode_array


class TestPredict:
    def test_rows_and_columns_give_what_the_model_gives(self, address, engine, inputs):
        given = inputs(count=2, people=3)
        expected = engine.signatures["serving_default"](**given)["means"]
        found = requests.post(address + PREDICT, json={"instances": rows(given)}).json()
        # Of an only output the values alone.
        np.testing.assert_allclose(found["predictions"], expected, rtol=1e-6)
        columns = {name: encode_array(array) for name, array in given.items()}
        body = {"inputs": columns, "signature_name": "serving_default"}
        found = requests.post(address + VERSION + ":predict", json=body).json()
        np.testing.assert_allclose(found["outputs"], expected, rtol=1e-6)

    def test_the_only_input_needs_no_name(self, address, engine):
        crops = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
        expected = engine.signatures["crops"](images=crops)["colors"]
        body = {"signature_name": "crops", "instances": crops.tolist()}
        found = requests.post(address + PREDICT, json=body).json()["predictions"]
        colors = [row["colors"] for row in found]
        np.testing.assert_allclose(colors, expected, rtol=1e-6)
        assert [row["names"] for row in found] == ["ä", "ä"]

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (b"", "no json"),
            (b"[" * 100_000, "no json"),
            (b"\xff{}", "no json"),
            (b"[1]", '"instances" or "inputs"'),
            (b'{"instances": [1], "inputs": [1]}', '"instances" or "inputs"'),
            (b'{"instances": [1], "signature": "crops"}', "no other keys"),
            (b'{"instances": [1], "signature_name": "x"}', "serving_default, crops"),
            (b'{"instances": []}', "at least one"),
            (b'{"instances": [{"image_bytes": "x"}, {"boxes": 1}]}', "same names"),
            (b'{"inputs": {"image_bytes": ["x"]}}', "Expected the inputs"),
            (b'{"inputs": {"image_bytes": [1], "boxes": [[[1,2,3,4]]]}}', "base64"),
            (
                b'{"inputs": {"image_bytes": [{"b64": "?"}], "boxes": [[[1,2,3,4]]]}}',
                "no base64",
            ),
            (b'{"inputs": {"image_bytes": ["x"], "boxes": [[1,2]]}}', "float32"),
            (
                b'{"inputs": {"image_bytes": ["x"], "boxes": [[[1,2,3,4],[1]]]}}',
                "different lengths",
            ),
            (
                b'{"inputs": {"image_bytes": ["x"], "boxes": [[[1,2,3,"4"]]]}}',
                "Expected numbers",
            ),
            (b'{"inputs": {"image_bytes": ["x"], "boxes": [[[1,2,3,4]]]}}', "Image 0"),
            (
                b'{"signature_name": "crops", "instances": [[[[256, 0, 0]]]]}',
                "0 to 255",
            ),
            (b'{"signature_name": "crops", "instances": [[[[25, 0, 0]]]]}', "8, 8, 3"),
            (b'{"signature_name": "crops", "instances": [[[[0.5, 0, 0]]]]}', "numbers"),
        ],
    )
    def test_bad_requests_are_explained(self, address, body, expected):
        assert expected in error_of(requests.post(address + PREDICT, data=body), 400)

    def test_a_damaged_image_is_refused_and_spoils_no_other(self, engine, inputs):
        good, bad = inputs(), inputs()
        # With its end, so that only decoding shows it.
        damaged = bytearray(encoded(drawn_image((120, 90)), "PNG"))
        damaged[len(damaged) // 2] ^= 0xFF
        bad["image_bytes"][0] = bytes(damaged)
        expected = engine.signatures["serving_default"](**good)["means"]
        answers = {}

        def ask(name, given):
            body = {"instances": rows(given)}
            answers[name] = requests.post(address + PREDICT, json=body)

        with running(engine) as address:
            engine.go.clear()
            threads = [
                threading.Thread(target=ask, args=pair)
                for pair in (("first", good), ("good", good), ("bad", bad))
            ]
            for thread in threads:
                thread.start()
                time.sleep(0.2)
            engine.go.set()
            for thread in threads:
                thread.join()
        assert engine.batches[:2] == [1, 2]
        assert "refuses" in error_of(answers["bad"], 400)
        for name in ("first", "good"):
            found = answers[name].json()["predictions"]
            np.testing.assert_allclose(found, expected, rtol=1e-6)


class TestResults:
    def test_take_boxes(self, address, photo):
        text = "boxes=1,2,60,80;20,20,40,50.5"
        found = requests.post(f"{address}{RESULTS}?{text}", data=photo).json()
        assert found["model"] == "small"
        assert found["boxes"] == [[1, 2, 60, 80], [20, 20, 40, 50.5]]
        whole = requests.post(address + RESULTS, data=photo).json()
        assert whole["boxes"] is None and whole["mean"] == found["mean"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("boxes=1,2,3", "four numbers"),
            ("boxes=1,2,x,4", "x,y,width,height"),
            ("boxes=500,500,20,20", "does not lie"),
            ("size=3", "no other parameter"),
        ],
    )
    def test_bad_boxes_are_explained(self, address, photo, query, expected):
        response = requests.post(f"{address}{RESULTS}?{query}", data=photo)
        assert expected in error_of(response, 400)

    def test_a_file_that_is_none_is_refused(self, address, photo):
        for content in (b"", b"x" * 1000, photo[:300], photo[:-900]):
            error_of(requests.post(address + RESULTS, data=content), 400)


class TestAddresses:
    def test_of_health_and_numbers(self, address):
        for name in ("/healthz", "/readyz", "/metrics", "/v1/models/small"):
            assert requests.get(address + name).status_code == 200
        text = requests.get(address + "/monitoring/prometheus/metrics").text
        assert "hrnet_requests_total" in text and "process_resident_memory" in text

    def test_of_others_are_not_found(self, address):
        for name in (
            "/v1/models/other:predict",
            "/v1/models/small/versions/2:predict",
            "/v1/models/small/versions/x:predict",
            "/v1/models/small:classify",
        ):
            response = requests.post(address + name, data=b"{}")
            assert response.status_code in (400, 404, 405), name
            assert response.headers["content-type"] == "application/json"
        assert "GET /secret" in error_of(requests.get(address + "/secret"), 404)
        assert "no model" in error_of(requests.get(address + PREDICT), 404)
        traversal = address + "/page/..%2froutes.py"
        assert requests.get(traversal).status_code == 404

    def test_the_metadata_name_the_signatures(self, address):
        found = requests.get(address + "/v1/models/small/metadata").json()
        signatures = found["metadata"]["signature_def"]["signature_def"]
        assert set(signatures) == {"serving_default", "crops"}
        images = signatures["crops"]["inputs"]["images"]
        sizes = [side["size"] for side in images["tensor_shape"]["dim"]]
        assert (images["dtype"], sizes) == ("DT_UINT8", ["-1", "8", "8", "3"])
        assert signatures["crops"]["outputs"]["colors"]["dtype"] == "DT_FLOAT"


def test_a_failure_is_told_as_such(capfd):
    engine = SmallEngine()
    engine.find = lambda *_: 1 / 0
    content = encoded(drawn_image((20, 20)))
    with running(engine) as address:
        response = requests.post(address + RESULTS, data=content)
    assert "its log" in error_of(response, 500)
    assert "ZeroDivisionError" in capfd.readouterr().err


class TestGuard:
    @pytest.fixture(scope="class")
    def guarded(self):
        options = {"token": "secret", "hosts": ("localhost", "127.0.0.1")}
        with running(
            SmallEngine(), origins=["https://good.example"], **options
        ) as address:
            yield address

    def test_a_token_opens(self, guarded, photo):
        for headers in ({}, {"Authorization": "Bearer secreT"}, {"Authorization": "x"}):
            for ask in (
                lambda h: requests.post(guarded + RESULTS, data=photo, headers=h),
                lambda h: requests.get(guarded + "/metrics", headers=h),
                lambda h: requests.get(guarded + "/model", headers=h),
            ):
                response = ask(headers)
                assert "Bearer" in error_of(response, 401)
                assert response.headers["WWW-Authenticate"] == "Bearer"
        headers = {"Authorization": "Bearer secret"}
        for name in ("/metrics", "/model", "/v1/models/small"):
            assert requests.get(guarded + name, headers=headers).status_code == 200

    def test_health_and_the_page_are_open(self, guarded):
        for name in ("/healthz", "/readyz", "/"):
            assert requests.get(guarded + name).status_code == 200

    def test_other_names_of_this_machine_are_refused(self, guarded):
        headers = {"Host": "evil.example"}
        assert "evil" in error_of(requests.get(guarded + "/", headers=headers), 421)
        port = guarded.rpartition(":")[2]
        headers = {"Host": f"localhost:{port}"}
        assert requests.get(guarded + "/", headers=headers).status_code == 200

    def test_pages_of_other_sites_are_refused(self, guarded, address):
        for origin in ("https://evil.example", "null"):
            headers = {"Origin": origin}
            for server in (guarded, address):
                response = requests.get(server + "/healthz", headers=headers)
                error_of(response, 403)
                assert "access-control-allow-origin" not in response.headers
        for origin in (str(address), None):
            response = requests.get(address + "/healthz", headers={"Origin": origin})
            assert response.status_code == 200
            assert "access-control-allow-origin" not in response.headers

    def test_those_that_are_named_may(self, guarded):
        headers = {"Origin": "https://good.example"}
        response = requests.get(guarded + "/healthz", headers=headers)
        assert response.status_code == 200
        allowed = response.headers["access-control-allow-origin"]
        assert allowed == "https://good.example"
        headers["Access-Control-Request-Method"] = "POST"
        response = requests.options(guarded + RESULTS, headers=headers)
        assert response.status_code == 200


def test_b64_of_binary_outputs():
    from hrnet_tf.serving.tensors import write_answer

    found = {"png_bytes": np.array([b"\xff"], object), "n": np.array([np.nan])}
    answer = json.loads(write_answer(found, in_rows=True))["predictions"][0]
    assert base64.b64decode(answer["png_bytes"]["b64"]) == b"\xff"
    assert np.isnan(answer["n"])
