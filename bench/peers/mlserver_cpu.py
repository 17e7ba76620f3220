"""CPU time a request of MLServer and of Vitrine on one ONNX file, asked by one generator. Called by tools/mlserver.

Each server is one process on loopback with one thread for models; the generator is `vitrine bench infer`, closed loop. The
servers take turns; medians of the pairs. CPU time is what /proc says of the server's process, user and system.
"""
import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

MODEL, INPUT, PLACES, ITEMS, MAX_ROWS = "sasrec", "history", 50, 12_000, 64
TICKS = os.sysconf("SC_CLK_TCK")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def cpu_seconds(pid):
    """Of the process and its children that have not ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(cpu_seconds(child) for child in children)


def wait_for(url, process, seconds=120):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if process.poll() is not None:
            sys.exit(f"mlserver_cpu: a server ended with {process.returncode} before it answered {url}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"mlserver_cpu: nobody answers {url}")


class Vitrine:
    name = "vitrine"

    def __init__(self, program, folder, onnx):
        repository = folder / "repository" / MODEL
        (repository / "1").mkdir(parents=True)
        shutil.copy(onnx, repository / "1" / "model.onnx")
        (repository / "config.pbtxt").write_text(
            f'backend: "onnxruntime"\nmax_batch_size: {MAX_ROWS}\n'
            f'input [ {{ name: "{INPUT}", data_type: TYPE_INT64, dims: [ {PLACES} ] }} ]\n'
            'output [ { name: "scores", data_type: TYPE_FP32, dims: [ 20 ] },\n'
            '         { name: "items", data_type: TYPE_INT64, dims: [ 20 ] } ]\n')
        start = [program, "--data", str(folder / "data"), "--json"]
        subprocess.run(start + ["model", "import", str(repository)], check=True, stdout=subprocess.DEVNULL)
        settings = ["server.listen=127.0.0.1:0", "server.grpc_listen=127.0.0.1:0", "server.threads=1",
                    "inference.threads=1"]
        self.process = subprocess.Popen(
            start + [part for setting in settings for part in ("--set", setting)] + ["up"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said = json.loads(self.process.stdout.readline())
        self.http, self.grpc = said["url"], said["grpc_url"]
        load = urllib.request.Request(f"{self.http}/v2/repository/models/{MODEL}/load", data=b"{}")
        urllib.request.urlopen(load, timeout=60).close()


class MlServer:
    name = "MLServer"

    def __init__(self, program, folder, onnx, batching):
        here = pathlib.Path(__file__).parent
        http, grpc, metrics = free_ports(3)
        folder.mkdir()
        shutil.copy(here / "onnx_model.py", folder)
        (folder / "settings.json").write_text(json.dumps({
            "host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics,
            "parallel_workers": 0, "debug": False}))
        model = {"name": MODEL, "implementation": "onnx_model.OnnxModel", "parameters": {"uri": str(onnx)},
                 "inputs": [{"name": INPUT, "datatype": "INT64", "shape": [-1, PLACES]}]}
        if batching:
            model |= {"max_batch_size": 16, "max_batch_time": 0.001}
        (folder / "model-settings.json").write_text(json.dumps(model))
        quiet = {"DO_NOT_TRACK": "1", "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
        self.process = subprocess.Popen([program, "start", str(folder)], env={**os.environ, **quiet},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.http, self.grpc = f"http://127.0.0.1:{http}", f"127.0.0.1:{grpc}"
        wait_for(f"{self.http}/v2/models/{MODEL}/ready", self.process)


def micros_a_request(server, program, protocol, concurrency, seconds):
    """CPU time of the server, and answers a second."""
    length = f"{seconds * 1000:.0f}ms"
    command = [program, "--server", server.http, "--json", "bench", "infer", MODEL, "--shape", f"{INPUT}:1,{PLACES}",
               "--range", f"0,{ITEMS - 1}", "--concurrency", str(concurrency), "--warmup", "0s", "--window", length,
               "--duration", length]
    if protocol == "gRPC":
        command += ["--grpc", server.grpc]
    before = cpu_seconds(server.process.pid)
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    spent = cpu_seconds(server.process.pid) - before
    assert said["outcomes"]["failed"] == 0, said
    return spent / said["outcomes"]["good"] * 1e6, said["throughput"]


def main():
    parser = argparse.ArgumentParser()
    for name in ("vitrine", "mlserver", "onnx"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--batching", action="store_true", help="MLServer joins requests: 16 at most, 1 ms")
    parser.add_argument("--report", default="build/bench/mlserver.json")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        servers = []
        try:
            servers.append(Vitrine(flags.vitrine, folder, flags.onnx))
            servers.append(MlServer(flags.mlserver, folder / "mlserver", flags.onnx, flags.batching))
            rows = []
            print(f"{'':12}{'at once':>8}{'vitrine us':>12}{'MLServer us':>13}{'ratio':>8}{'vitrine/s':>11}{'MLServer/s':>12}")
            for protocol in ("JSON", "gRPC"):
                for concurrency in (1, 4, 16):
                    measured = {server.name: [] for server in servers}
                    for pair in range(flags.pairs + 1):  # the first warms up
                        for server in servers:
                            one = micros_a_request(server, flags.vitrine, protocol, concurrency, flags.seconds)
                            if pair > 0:
                                measured[server.name].append(one)
                    ours, theirs = measured["vitrine"], measured["MLServer"]
                    row = {"protocol": protocol, "concurrency": concurrency, "pairs": flags.pairs,
                           "vitrine_us": statistics.median(one[0] for one in ours),
                           "mlserver_us": statistics.median(one[0] for one in theirs),
                           "ratio": statistics.median(b[0] / a[0] for a, b in zip(ours, theirs)),
                           "vitrine_per_second": statistics.median(one[1] for one in ours),
                           "mlserver_per_second": statistics.median(one[1] for one in theirs)}
                    rows.append(row)
                    print(f"{protocol:12}{concurrency:8}{row['vitrine_us']:12.0f}{row['mlserver_us']:13.0f}"
                          f"{row['ratio']:8.2f}{row['vitrine_per_second']:11.0f}{row['mlserver_per_second']:12.0f}",
                          flush=True)
            report = pathlib.Path(flags.report)
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(json.dumps({"mlserver_joins": flags.batching, "rows": rows}, indent=1))
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait()


if __name__ == "__main__":
    main()
