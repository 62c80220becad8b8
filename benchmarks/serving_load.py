"""Full load on `hrnet serve`, with bad requests among the good ones.

    python benchmarks/serving_load.py MODEL --seconds 180

The server is a process of its own; this one asks. Good requests are compared with what
the idle server answered to them before. Among them come malformed json, truncated
images, bodies and images beyond the limits, bodies that arrive byte by byte, and
clients that go away. It tells crashes, wrong answers, times, and how the server's
memory grows; then, at twice the requests that it holds, how it sheds load, and whether
it is as fast after that as before. With --compare it measures batches against none.
"""

import argparse
import base64
import collections
import json
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

import numpy as np
import requests

from hrnet_tf.serving.examples import drawn_image, encoded

_KINDS = ("malformed", "truncated", "huge", "many pixels", "slow", "abandoned")
_TOLERANCE = 2e-3


class Server:
    """`hrnet serve` in a process of its own, on this machine's loopback address."""

    def __init__(self, model, *options):
        command = [sys.executable, "-c", "from hrnet_tf.cli import app; app()", "serve"]
        command += [model, "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if found := re.search(r"predict +(http\S+?)(/v1/\S+):predict", line):
                self.address, self.model = found.groups()
                return
        raise SystemExit("The server did not start.")

    def memory(self):
        """Megabytes that the process holds."""
        text = requests.get(f"{self.address}/metrics", timeout=60).text
        found = re.search(r"^process_resident_memory_bytes (\S+)", text, re.M)
        return float(found[1]) / 1e6

    def stop(self):
        """Ends it as an operator does; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Load:
    """Clients of a server, until they are told to stop."""

    def __init__(self, server, questions, answers):
        self.server, self.questions, self.answers = server, questions, answers
        self.times, self.wrong = [], []
        self.counts = collections.Counter()
        self._stop, self._lock = threading.Event(), threading.Lock()

    def run(self, seconds, good, bad=0, watch=None):
        """Runs some clients for some seconds; `watch` is called every second."""
        clients = [threading.Thread(target=self._good, args=(i,)) for i in range(good)]
        kinds = [_KINDS[i % len(_KINDS)] for i in range(bad)]
        clients += [threading.Thread(target=self._bad, args=(kind,)) for kind in kinds]
        for client in clients:
            client.start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(1)
            if watch is not None:
                watch()
        self._stop.set()
        for client in clients:
            client.join()

    def _good(self, number):
        rng = np.random.default_rng(number)
        session = requests.Session()
        while not self._stop.is_set():
            i = int(rng.integers(len(self.questions)))
            started = time.perf_counter()
            try:
                answer = ask(self.server, self.questions[i], session)
            except requests.exceptions.RequestException as error:
                self._count(f"good: {type(error).__name__}")
                continue
            seconds = time.perf_counter() - started
            self._count(f"good: {answer.status_code}")
            if answer.status_code == 200:
                self.times.append(seconds)
                if not agrees(answer.json(), self.answers[i]):
                    self.wrong.append(i)
            elif answer.status_code == 429:
                assert int(answer.headers["Retry-After"]) > 0
                time.sleep(0.05)

    def _bad(self, kind):
        while not self._stop.is_set():
            try:
                status = getattr(self, f"_{kind.replace(' ', '_')}")()
            except (requests.exceptions.RequestException, OSError) as error:
                status = type(error).__name__
            self._count(f"{kind}: {status}")
            time.sleep(0.02)

    def _post(self, body, rest=":results"):
        address = self.server.address + self.server.model + rest
        return requests.post(address, data=body, timeout=60).status_code

    def _malformed(self):
        return self._post(b'{"instances": [{"image_bytes"', ":predict")

    def _truncated(self):
        content = encoded(drawn_image((200, 150)))
        return self._post(content[: len(content) // 2])

    def _huge(self):
        return self._post(bytes(17_000_000))

    def _many_pixels(self):
        # A header of 60,000 x 60,000 pixels, and nothing behind it.
        size = (60_000).to_bytes(4, "big") * 2
        return self._post(
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + size + b"\x08\2\0\0\0\0\0\0\0"
        )

    def _slow(self):
        with self._connected(1000) as connection:
            for _ in range(40):
                if self._stop.is_set():
                    break
                connection.sendall(b"x")
                time.sleep(0.1)
        return "went away"

    def _abandoned(self):
        content = encoded(drawn_image((200, 150)))
        with self._connected(len(content)) as connection:
            connection.sendall(content)
        return "went away"

    def _connected(self, length):
        host, port = self.server.address.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), 60)
        path = f"{self.server.model}:results"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
        )
        connection.sendall(head.encode())
        return connection

    def _count(self, name):
        with self._lock:
            self.counts[name] += 1


def ask(server, question, session=requests):
    """Sends a request of TensorFlow Serving's kind."""
    address = f"{server.address}{server.model}:predict"
    return session.post(address, data=question, timeout=120)


def agrees(found, expected):
    """Whether two answers are equal but for rounding."""
    if isinstance(expected, dict):
        return set(found) == set(expected) and all(
            agrees(found[key], value) for key, value in expected.items()
        )
    if expected and isinstance(expected[0], dict):
        pairs = zip(found, expected, strict=True)
        return all(agrees(one, other) for one, other in pairs)
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape or expected.dtype.kind not in "fiu":
        return found.shape == expected.shape and bool((found == expected).all())
    scale = max(1.0, float(np.abs(expected).max())) if expected.size else 1.0
    return bool((np.abs(found - expected) <= _TOLERANCE * scale).all())


def questions_for(server, count=8):
    """Requests of the model's first signature, as json."""
    address = f"{server.address}{server.model}/metadata"
    signatures = requests.get(address).json()["metadata"]["signature_def"]
    if "serving_default" not in signatures["signature_def"]:
        server.stop()
        raise SystemExit("The model takes no image files. Name a SavedModel.")
    inputs = signatures["signature_def"]["serving_default"]["inputs"]
    made = []
    for i in range(count):
        height, width = 160 + 16 * (i % 3), 200 - 10 * (i % 4)
        image = np.roll(drawn_image((height, width)), 9 * i, 1)
        content = base64.b64encode(encoded(image)).decode()
        row = {"image_bytes": {"b64": content}}
        if "boxes" in inputs:
            row["boxes"] = [[5.0 * i, 4.0, 90.0, 140.0]]
        made.append(json.dumps({"instances": [row]}).encode())
    return made


def quantiles(times):
    """Median and p99 in milliseconds, as text."""
    if not times:
        return "no answers"
    return (
        f"median {1e3 * statistics.median(times):.0f} ms,"
        f" p99 {1e3 * float(np.quantile(times, 0.99)):.0f} ms"
    )


def prepared(server):
    """Requests, and what the idle server answers; each is asked twice before."""
    questions = questions_for(server)
    for question in questions:
        ask(server, question).raise_for_status()
    return questions, [ask(server, question).json() for question in questions]


def full_load(model, seconds, clients):
    """Good and bad clients together; then twice what the server holds."""
    server = Server(model, "--max-waiting", str(clients))
    questions, answers = prepared(server)
    load, memory = Load(server, questions, answers), []
    started = time.monotonic()

    def watch():
        memory.append((time.monotonic() - started, server.memory()))

    # One client less than the server holds, so that the bad ones find room.
    load.run(seconds, max(1, clients // 2), 2 * len(_KINDS), watch)
    wall = time.monotonic() - started
    good = sum(n for name, n in load.counts.items() if name.startswith("good"))
    print(f"{wall:.0f} s, {good} good requests ({good / wall:.1f} a second):", end=" ")
    print(quantiles(load.times))
    for name, count in sorted(load.counts.items()):
        print(f"  {name:32} {count}")
    settled = np.array([one for one in memory if one[0] > wall / 3])
    slope = np.polyfit(settled[:, 0] / 60, settled[:, 1], 1)[0]
    print(f"  memory {memory[0][1]:.0f} to {memory[-1][1]:.0f} MB;", end=" ")
    print(f"{slope:+.2f} MB a minute in the last two thirds")
    print(f"  wrong answers {len(load.wrong)}, crashes {int(is_gone(server))}")

    before = Load(server, questions, answers)
    before.run(10, 1)
    over = Load(server, questions, answers)
    over.run(15, 2 * clients)
    after = Load(server, questions, answers)
    after.run(10, 1)
    print(f"alone                {quantiles(before.times)}")
    print(f"twice the capacity   {quantiles(over.times)}; {dict(over.counts)}")
    print(f"alone, after that    {quantiles(after.times)}")
    print(f"wrong answers {len(before.wrong + over.wrong + after.wrong)}", end=", ")
    gone, code = int(is_gone(server)), server.stop()
    print(f"crashes {gone}, exit code {code}")
    if gone or code or load.wrong or before.wrong or over.wrong or after.wrong:
        raise SystemExit("The server crashed, did not end well, or answered wrongly.")


def compare(model, seconds, clients, rounds=3):
    """Batches against none, in alternating runs."""
    servers = {n: Server(model, "--max-batch-size", str(n)) for n in (1, 8)}
    ready = {n: prepared(server) for n, server in servers.items()}
    rates = collections.defaultdict(list)
    for _ in range(rounds):
        for n, server in servers.items():
            load = Load(server, *ready[n])
            load.run(seconds, clients)
            rates[n].append(len(load.times) / seconds)
            print(f"up to {n} together: {rates[n][-1]:.1f} a second,", end=" ")
            print(f"{quantiles(load.times)}; wrong answers {len(load.wrong)}")
    pairs = zip(rates[8], rates[1], strict=True)
    ratio = statistics.median(many / one for many, one in pairs)
    print(f"{clients} clients: batches of up to 8 give {ratio:.2f}x of none")
    for server in servers.values():
        server.stop()


def is_gone(server):
    """Whether the process has ended, or no longer answers."""
    if server.process.poll() is not None:
        return True
    return requests.get(f"{server.address}/healthz", timeout=60).status_code != 200


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="what `hrnet serve` takes")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--clients", type=int, default=16, help="what the server holds")
    parser.add_argument("--compare", action="store_true", help="batches against none")
    given = parser.parse_args()
    run = compare if given.compare else full_load
    run(given.model, given.seconds, given.clients)


if __name__ == "__main__":
    main()
