"""Compares our messages with those of Triton's client: wire_check.py FILE, our file as a serialised
FileDescriptorProto. Every field, value and call that we have must be there under the same number and type."""

import sys

from google.protobuf import descriptor_pb2
from tritonclient.grpc import model_config_pb2, service_pb2

FIELD = descriptor_pb2.FieldDescriptorProto
ours = descriptor_pb2.FileDescriptorProto()
with open(sys.argv[1], "rb") as file:
    ours.ParseFromString(file.read())
messages, enums, calls = {}, {}, {}


def note(message, prefix):
    messages[prefix + message.name] = message
    for inner in message.nested_type:
        note(inner, prefix + message.name + ".")


for module in (service_pb2, model_config_pb2):
    theirs = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(theirs)
    assert theirs.package == ours.package
    for message in theirs.message_type:
        note(message, "")
    enums.update({enum.name: {value.name: value.number for value in enum.value} for enum in theirs.enum_type})
    for service in theirs.service:
        calls.update({(service.name, call.name): call for call in service.method})

checked = 0


def compare(message, prefix):
    global checked
    name = prefix + message.name
    if name == "NotSpoken":
        return
    other = messages[name]
    fields = {field.name: field for field in other.field}
    for field in message.field:
        known = fields[field.name]
        for what in ("number", "type", "label", "type_name"):
            is_, should = getattr(field, what), getattr(known, what)
            assert is_ == should, f"{name}.{field.name}: {what} {is_}, Triton's is {should}"
        checked += 1
    assert message.options.map_entry == other.options.map_entry, name
    for inner in message.nested_type:
        compare(inner, name + ".")


for message in ours.message_type:
    compare(message, "")
for enum in ours.enum_type:
    for value in enum.value:
        assert enums[enum.name][value.name] == value.number, (enum.name, value.name)
        checked += 1
for service in ours.service:
    assert len(service.method) == len(calls), "calls that we do not answer by name"
    for call in service.method:
        known = calls[(service.name, call.name)]
        for what in ("input_type", "output_type", "client_streaming", "server_streaming"):
            is_, should = getattr(call, what), getattr(known, what)
            assert is_ == should or is_ == ".inference.NotSpoken", f"{call.name}: {what} {is_}, Triton's is {should}"
        checked += 1
print(f"{checked} fields, values and calls are Triton's")
