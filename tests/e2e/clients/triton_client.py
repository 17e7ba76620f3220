"""Calls a running server as Triton's own client does, over HTTP and gRPC.

triton_client_test.cc starts the server, has it know the models "every" (an input x_TYPE of [rows, columns] for each
type, given back as y_TYPE) and "doubled" (y = 2 x, [rows, 3], at most 8 rows), both imported and not loaded, and runs
this: triton_client.py HTTP GRPC, each HOST:PORT. Exit code 0: all held.
"""

import asyncio
import queue
import sys
import unittest

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.grpc.aio as triton_grpc_aio
import tritonclient.http as triton_http
import tritonclient.http.aio as triton_http_aio
from tritonclient.utils import InferenceServerException

HTTP, GRPC = sys.argv[1], sys.argv[2]

VALUES = {
    "BOOL": np.array([[True, False, True], [False, False, True]]),
    "INT8": np.array([[-128, -1, 0], [1, 5, 127]], dtype=np.int8),
    "INT16": np.array([[-32768, -1, 0], [1, 5, 32767]], dtype=np.int16),
    "INT32": np.array([[-(2**31), -1, 0], [1, 5, 2**31 - 1]], dtype=np.int32),
    "INT64": np.array([[-(2**63), -1, 0], [1, 5, 2**63 - 1]], dtype=np.int64),
    "UINT8": np.array([[0, 1, 2], [3, 5, 255]], dtype=np.uint8),
    "UINT16": np.array([[0, 1, 2], [3, 5, 65535]], dtype=np.uint16),
    "UINT32": np.array([[0, 1, 2], [3, 5, 2**32 - 1]], dtype=np.uint32),
    "UINT64": np.array([[0, 1, 2], [3, 5, 2**64 - 1]], dtype=np.uint64),
    "FP16": np.array([[-1.5, 0, 0.1], [6e-8, 2, 65504]], dtype=np.float16),
    "FP32": np.array([[-1.5, 0, 0.1], [1e-40, 2, 3e38]], dtype=np.float32),
    "FP64": np.array([[-1.5, 0, 0.1], [1e-310, 2, 1e308]], dtype=np.float64),
    "BYTES": np.array([[b"plain", b"", "中文".encode()], [b"x" * 300, b'"\\', b"end"]], dtype=np.object_),
}


def every_input(module, **how):
    inputs = []
    for name, values in VALUES.items():
        tensor = module.InferInput("x_" + name, list(values.shape), name)
        tensor.set_data_from_numpy(values, **how)
        inputs.append(tensor)
    return inputs


def rows_input(module, rows):
    tensor = module.InferInput("x", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows)
    return [tensor]


ROWS = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)


class Calls:
    """What both protocols must do. `module`, `statuses` and `client` come from the two classes below."""

    def check_every(self, result, names=VALUES):
        for name in names:
            given = result.as_numpy("y_" + name)
            if name == "BYTES" and isinstance(given.flat[0], str):  # so the client gives texts of JSON
                given = np.vectorize(str.encode, otypes=[object])(given)
            np.testing.assert_array_equal(given, VALUES[name], name)

    def refused(self, status, words, call):
        with self.assertRaises(InferenceServerException) as raised:
            call()
        self.assertEqual(raised.exception.status(), self.statuses[status], raised.exception)
        self.assertIn(words, raised.exception.message())

    def test_health(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready("every"))
        self.assertTrue(self.client.is_model_ready("every", "1"))
        self.assertFalse(self.client.is_model_ready("every", "2"))
        self.assertFalse(self.client.is_model_ready("nothing"))

    def test_metadata(self):
        server = self.json(self.client.get_server_metadata)
        self.assertEqual(server["name"], "vitrine")
        self.assertIn("statistics", server["extensions"])
        model = self.json(self.client.get_model_metadata, "every")
        self.assertEqual(model["versions"], ["1"])
        types = {tensor["name"]: tensor["datatype"] for tensor in model["inputs"]}
        self.assertEqual(types, {"x_" + name: name for name in VALUES})
        self.assertEqual([int(size) for size in model["outputs"][0]["shape"]], [-1, -1])
        self.refused("not found", "'nothing'", lambda: self.client.get_model_metadata("nothing"))

    def test_config(self):
        config = self.json(self.client.get_model_config, "doubled")
        config = config.get("config", config)
        self.assertEqual(config["max_batch_size"], 8)
        self.assertEqual([int(size) for size in config["input"][0]["dims"]], [3])
        self.assertEqual(config["input"][0]["data_type"], "TYPE_FP32")

    def test_every_type(self):
        self.check_every(self.client.infer("every", every_input(self.module)))

    def test_chosen_outputs_ids_and_parameters(self):
        names = ["BYTES", "FP16", "BOOL"]
        outputs = [self.module.InferRequestedOutput("y_" + name) for name in names]
        result = self.client.infer("every", every_input(self.module), model_version="1", outputs=outputs,
                                   request_id="r-1", priority=2, timeout=1000, parameters={"mine": 1})
        self.check_every(result, names)
        self.assertIsNone(result.as_numpy("y_INT8"))
        answer = self.answer(result)
        self.assertEqual(answer["id"], "r-1")
        self.assertEqual([output["name"] for output in answer["outputs"]], ["y_" + name for name in names])

    def test_large(self):
        large = np.arange(900_000, dtype=np.int64).reshape(9, -1) % 251
        inputs = every_input(self.module)
        for tensor in inputs:
            if tensor.name() == "x_INT64":
                tensor.set_shape(large.shape)
                tensor.set_data_from_numpy(large)
        result = self.client.infer("every", inputs)
        np.testing.assert_array_equal(result.as_numpy("y_INT64"), large)
        too_large = self.module.InferInput("x", [1_000_000, 3], "FP32")
        too_large.set_data_from_numpy(np.zeros((1_000_000, 3), dtype=np.float32))
        with self.assertRaises(InferenceServerException) as raised:
            self.client.infer("doubled", [too_large])
        self.assertEqual(raised.exception.status(), self.statuses["too large"], raised.exception)

    def test_statistics(self):
        def counts():
            stats = self.json(self.client.get_inference_statistics, "doubled")["model_stats"]
            self.assertEqual(len(stats), 1)
            one = stats[0]
            return (int(one.get("inference_count", 0)), int(one.get("execution_count", 0)),
                    int(one["inference_stats"]["fail"].get("count", 0)))
        before = counts()
        self.client.infer("doubled", rows_input(self.module, ROWS))
        self.assertRaises(InferenceServerException, self.client.infer, "doubled", [],
                          outputs=[self.module.InferRequestedOutput("y")])
        after = counts()
        self.assertEqual([b - a for a, b in zip(before, after)], [2, 1, 1])

    def test_repository(self):
        def state():
            index = self.json(self.client.get_model_repository_index)
            index = index["models"] if isinstance(index, dict) else index
            states = {model["name"]: model["state"] for model in index}
            self.assertEqual(states["every"], "READY")
            return states.get("doubled")
        self.assertEqual(state(), "READY")
        self.client.unload_model("doubled")
        self.assertNotEqual(state(), "READY")
        self.assertFalse(self.client.is_model_ready("doubled"))
        self.refused("not found", "'doubled'",
                     lambda: self.client.infer("doubled", rows_input(self.module, ROWS)))
        self.client.load_model("doubled")
        result = self.client.infer("doubled", rows_input(self.module, ROWS))
        np.testing.assert_array_equal(result.as_numpy("y"), 2 * ROWS)
        self.refused("not found", "'nothing'", lambda: self.client.load_model("nothing"))

    def test_what_is_wrong_is_named(self):
        def infer(name="x", shape=(2, 3), datatype="FP32", values=ROWS, **more):
            tensor = self.module.InferInput(name, list(shape), datatype)
            tensor.set_data_from_numpy(values)
            return lambda: self.client.infer("doubled", [tensor], **more)
        self.refused("invalid", "no input 'z'", infer(name="z"))
        self.refused("invalid", "'x'", infer(shape=(2, 2), values=ROWS[:, :2].copy()))
        self.refused("invalid", "'x'", infer(datatype="FP64", values=ROWS.astype(np.float64)))
        self.refused("invalid", "at most 8 rows", infer(shape=(9, 3), values=np.zeros((9, 3), np.float32)))
        self.refused("invalid", "no output 'z'", infer(outputs=[self.module.InferRequestedOutput("z")]))
        self.refused("not found", "version 7", infer(model_version="7"))
        self.refused("unsupported", "sequences", infer(sequence_id=5, sequence_start=True))
        self.refused("unsupported", "classify",
                     infer(outputs=[self.module.InferRequestedOutput("y", class_count=2)]))
        shared = self.module.InferInput("x", [2, 3], "FP32")
        shared.set_shared_memory("region", 24)
        self.refused("unsupported", "shared memory", lambda: self.client.infer("doubled", [shared]))


class Http(Calls, unittest.TestCase):
    module = triton_http
    statuses = {"invalid": "400", "not found": "404", "unsupported": "501", "too large": "413"}

    def setUp(self):
        self.client = triton_http.InferenceServerClient(HTTP, concurrency=4)
        self.addCleanup(self.client.close)

    @staticmethod
    def json(call, *arguments):
        return call(*arguments)

    @staticmethod
    def answer(result):
        return result.get_response()

    def test_tensors_as_json(self):
        names = list(VALUES)
        outputs = [triton_http.InferRequestedOutput("y_" + name, binary_data=False) for name in names]
        self.check_every(self.client.infer("every", every_input(triton_http, binary_data=False), outputs=outputs))
        # Half of them so, half raw.
        outputs = [triton_http.InferRequestedOutput("y_" + name, binary_data=i % 2 == 0)
                   for i, name in enumerate(names)]
        self.check_every(self.client.infer("every", every_input(triton_http), outputs=outputs))

    def test_packed(self):
        for packing in ("gzip", "deflate"):
            self.check_every(self.client.infer("every", every_input(triton_http),
                                               request_compression_algorithm=packing,
                                               response_compression_algorithm=packing))

    def test_asynchronous(self):
        running = [self.client.async_infer("doubled", rows_input(triton_http, ROWS * i)) for i in range(8)]
        for i, request in enumerate(running):
            np.testing.assert_array_equal(request.get_result(timeout=60).as_numpy("y"), 2 * i * ROWS)

    def test_asyncio(self):
        async def run():
            async with triton_http_aio.InferenceServerClient(HTTP) as client:
                results = await asyncio.gather(
                    *(client.infer("doubled", rows_input(triton_http_aio, ROWS * i)) for i in range(8)))
            for i, result in enumerate(results):
                np.testing.assert_array_equal(result.as_numpy("y"), 2 * i * ROWS)
        asyncio.run(run())


class Grpc(Calls, unittest.TestCase):
    module = triton_grpc
    statuses = {"invalid": "StatusCode.INVALID_ARGUMENT", "not found": "StatusCode.NOT_FOUND",
                "unsupported": "StatusCode.UNIMPLEMENTED", "too large": "StatusCode.RESOURCE_EXHAUSTED"}

    def setUp(self):
        self.client = triton_grpc.InferenceServerClient(GRPC)
        self.addCleanup(self.client.close)

    @staticmethod
    def json(call, *arguments):
        return call(*arguments, as_json=True)

    @staticmethod
    def answer(result):
        return result.get_response(as_json=True)

    def test_packed(self):
        for packing in ("gzip", "deflate"):
            self.check_every(self.client.infer("every", every_input(triton_grpc), compression_algorithm=packing,
                                               headers={"accept-encoding": packing}))

    def test_asynchronous(self):
        answers = queue.Queue()
        for i in range(8):
            self.client.async_infer("doubled", rows_input(triton_grpc, ROWS * i), request_id=str(i),
                                    callback=lambda result, error: answers.put((result, error)))
        for _ in range(8):
            result, error = answers.get(timeout=60)
            self.assertIsNone(error)
            i = int(result.get_response().id)
            np.testing.assert_array_equal(result.as_numpy("y"), 2 * i * ROWS)

    def test_asyncio(self):
        async def run():
            async with triton_grpc_aio.InferenceServerClient(GRPC) as client:
                results = await asyncio.gather(
                    *(client.infer("doubled", rows_input(triton_grpc_aio, ROWS * i)) for i in range(8)))
            for i, result in enumerate(results):
                np.testing.assert_array_equal(result.as_numpy("y"), 2 * i * ROWS)
        asyncio.run(run())

    def test_a_stream(self):
        answers = queue.Queue()
        self.client.start_stream(callback=lambda result, error: answers.put((result, error)))
        for i in range(5):
            self.client.async_stream_infer("nothing" if i == 2 else "doubled",
                                           rows_input(triton_grpc, ROWS * i), request_id=str(i))
        for i in range(5):
            result, error = answers.get(timeout=60)
            if i == 2:
                self.assertIn("'nothing'", error.message())
                continue
            self.assertIsNone(error)
            self.assertEqual(result.get_response().id, str(i))
            np.testing.assert_array_equal(result.as_numpy("y"), 2 * i * ROWS)
        self.client.stop_stream()

    def test_deadline(self):
        with self.assertRaises(InferenceServerException) as raised:
            self.client.infer("every", every_input(triton_grpc), client_timeout=-1)
        self.assertEqual(raised.exception.status(), "StatusCode.DEADLINE_EXCEEDED")

    def test_what_there_is_not(self):
        for call in (self.client.get_system_shared_memory_status, self.client.get_cuda_shared_memory_status,
                     self.client.get_trace_settings, self.client.get_log_settings):
            self.refused("unsupported", "this server", call)


if __name__ == "__main__":
    for address, module in ((HTTP, triton_http), (GRPC, triton_grpc)):
        with module.InferenceServerClient(address) as setup:
            setup.load_model("every")
            setup.load_model("doubled")
    unittest.main(argv=[sys.argv[0], "-v"])
