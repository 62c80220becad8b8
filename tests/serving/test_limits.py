"""What the server refuses, and how it fares with more than it can do."""

import json
import os
import signal
import socket
import threading
import time

import pytest
import requests
from served import PREDICT, RESULTS, error_of, rows
from servers import SmallEngine, running

from hrnet_tf.serving.app import make_app
from hrnet_tf.serving.examples import drawn_image, encoded
from hrnet_tf.serving.limits import Limits, Refused, looks_whole
from hrnet_tf.serving.serve import listening, make_server, run_server


class TestLimits:
    LIMITS = Limits(
        max_body=40_000,
        max_pixels=20_000,
        max_images=3,
        max_boxes=4,
        body_seconds=1.5,
        header_seconds=0.5,
    )

    @pytest.fixture(scope="class")
    def small(self):
        with running(SmallEngine(), self.LIMITS) as address:
            yield address

    def test_bodies(self, small, photo):
        response = requests.post(small + RESULTS, data=bytes(50_000))
        assert "50,000 bytes" in error_of(response, 413)
        # Without a length, as chunks.
        parts = (bytes(10_000) for _ in range(8))
        assert "at most 40,000" in error_of(requests.post(small + RESULTS, parts), 413)

    def test_pixels_are_counted_before_they_are_decoded(self, small):
        head = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
        bomb = head + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0" + bytes(4)
        response = requests.post(small + RESULTS, data=bomb)
        assert response.status_code in (400, 413)
        large = encoded(drawn_image((150, 150)))
        assert "at most 20,000" in error_of(requests.post(small + RESULTS, large), 413)

    def test_images_and_boxes(self, small, inputs):
        for count, people, word in ((4, 1, "4 images"), (1, 5, "5 boxes")):
            body = {"instances": rows(inputs(count, people))}
            response = requests.post(small + PREDICT, json=body)
            assert word in error_of(response, 413)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
    def test_files_that_are_cut_short_reach_no_decoder(self, kind):
        whole = encoded(drawn_image((60, 80)), kind)
        assert looks_whole(whole) and looks_whole(whole + bytes(9))
        limits = Limits()
        assert limits.check_images([whole]) == [(60, 80)]
        for part in (whole[: len(whole) // 2], whole[:-400]):
            assert not looks_whole(part)
            with pytest.raises(Refused, match=r"Image 0 .* or damaged") as refused:
                limits.check_images([part])
            assert refused.value.status == 400

    def test_the_end_of_a_preview_is_none_of_the_image(self):
        whole, preview = encoded(drawn_image((60, 80))), encoded(drawn_image((6, 8)))
        length = (2 + len(preview)).to_bytes(2, "big")
        with_preview = b"\xff\xd8\xff\xe2" + length + preview + whole[2:]
        assert looks_whole(with_preview)
        assert not looks_whole(with_preview[:-400])

    def test_what_writers_leave_out_at_the_end_is_not_missed(self):
        image = drawn_image((60, 80))
        # The size that its head tells, and the mark behind the last frame.
        bitmap = bytearray(encoded(image, "BMP"))
        bitmap[2:6] = (len(bitmap) + 99).to_bytes(4, "little")
        for content in (bytes(bitmap), encoded(image, "GIF")[:-1]):
            assert not looks_whole(content)
            assert Limits().check_images([content]) == [(60, 80)]

    def test_pixels_are_counted_before_a_cut_file_is_decoded(self):
        part = encoded(drawn_image((150, 150)))[:-400]
        with pytest.raises(Refused, match="at most 20,000"):
            self.LIMITS.check_images([part])

    @pytest.mark.parametrize("head", [True, False])
    def test_what_is_slow_is_ended(self, small, head):
        host, port = small.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            text = f"POST {RESULTS} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99\r\n"
            slow.sendall(text.encode() + (b"" if head else b"\r\nx"))
            started = time.perf_counter()
            answer = b"".join(iter(lambda: slow.recv(4096), b""))
        assert 0.3 < time.perf_counter() - started < 8
        assert (answer == b"") if head else answer.startswith(b"HTTP/1.1 408")


class TestLoad:
    def test_what_is_too_much_is_told_when_to_come_again(self, engine, inputs):
        body = json.dumps({"instances": rows(inputs())})
        answers = []

        def ask():
            answers.append(requests.post(address + PREDICT, data=body))

        with running(engine, Limits(max_waiting=3)) as address:
            engine.go.clear()
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            while len(answers) < 5:
                time.sleep(0.02)
            engine.go.set()
            for thread in threads:
                thread.join()
            # It recovers.
            assert requests.post(address + PREDICT, data=body).status_code == 200
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200] * 3 + [429] * 5
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["Retry-After"]) >= 1

    def test_what_nobody_waits_for_does_not_run(self, engine, inputs):
        body = json.dumps({"instances": rows(inputs())})
        with running(engine) as address:
            engine.go.clear()
            first = threading.Thread(
                target=requests.post, args=(address + PREDICT, body)
            )
            first.start()
            time.sleep(0.3)
            with pytest.raises(requests.exceptions.ReadTimeout):
                requests.post(address + PREDICT, data=body, timeout=0.3)
            batcher = address.app.state.server.batcher
            deadline = time.monotonic() + 10
            while batcher._queue and not batcher._queue[0].future.cancelled():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            engine.go.set()
            first.join()
        assert engine.batches == [1]

    def test_a_stop_lets_those_finish_that_were_taken(self, engine, inputs):
        body = json.dumps({"instances": rows(inputs())})
        answers = []
        with running(engine) as address:
            engine.go.clear()
            ask = threading.Thread(
                target=lambda: answers.append(
                    requests.post(address + PREDICT, data=body)
                )
            )
            ask.start()
            time.sleep(0.3)
            address.server.should_exit = True
            time.sleep(0.3)
            engine.go.set()
            ask.join()
            address.thread.join(30)
            with pytest.raises(requests.exceptions.ConnectionError):
                requests.get(address + "/healthz")
        assert answers[0].status_code == 200


def test_an_end_that_is_asked_for_is_no_failure():
    before = signal.getsignal(signal.SIGTERM)

    def ask():
        os.kill(os.getpid(), signal.SIGTERM)

    server = make_server(make_app(SmallEngine(), Limits()), Limits(), on_start=ask)
    with listening("127.0.0.1", 0) as opened:
        # A signal that is raised again would end this process.
        run_server(server, opened)
    assert server.started and server.should_exit
    assert signal.getsignal(signal.SIGTERM) == before
