"""Calls a server that asks for keys: triton_keys.py HTTP GRPC KEY, the key of scope serve. Exit code 0: all held."""

import sys

import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

HTTP, GRPC, KEY = sys.argv[1:]


def status_of(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except InferenceServerException as e:
        return e.status()
    return "fine"


NONE, NOT_ALLOWED, ABSENT = range(3)
WORDS = {"http": ("401", "403", "404"),
         "grpc": ("StatusCode.UNAUTHENTICATED", "StatusCode.PERMISSION_DENIED", "StatusCode.NOT_FOUND")}
for name, client in (("http", triton_http.InferenceServerClient(HTTP)),
                     ("grpc", triton_grpc.InferenceServerClient(GRPC))):
    words = WORDS[name]
    key = {"authorization": "Bearer " + KEY}
    bad = {"authorization": "Bearer " + KEY[:-1] + ("a" if KEY[-1] != "a" else "b")}
    assert client.is_server_live(), name
    cases = ((status_of(client.get_model_metadata, "m"), words[NONE]),
             (status_of(client.get_model_metadata, "m", headers=bad), words[NONE]),
             (status_of(client.get_model_metadata, "m", headers=key), words[ABSENT]),
             (status_of(client.get_server_metadata, headers=key), "fine"),
             (status_of(client.get_model_repository_index, headers=key), words[NOT_ALLOWED]),
             (status_of(client.load_model, "m", headers=key), words[NOT_ALLOWED]),
             (status_of(client.unload_model, "m", headers=key), words[NOT_ALLOWED]))
    for number, (is_, should) in enumerate(cases):
        assert is_ == should, (name, number, is_, should)
    client.close()
