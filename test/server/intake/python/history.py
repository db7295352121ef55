"""Prints the client's own record of a run, as JSON: the rows of its file run-*.wandb (records in LevelDB's log format, after 7 bytes that say what the file is)."""

import json
import struct
import sys

from wandb.proto import wandb_internal_pb2

BLOCK = 32768


def records(data):
    at, whole = 7, b""
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _crc, length, kind = struct.unpack_from("<IHB", data, at)
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        # 1: whole, 2: first, 3: middle, 4: last part.
        if kind in (1, 4):
            yield whole
            whole = b""


rows = []
for data in records(open(sys.argv[1], "rb").read()):
    record = wandb_internal_pb2.Record()
    record.ParseFromString(data)
    if record.WhichOneof("record_type") == "history":
        rows.append([[list(item.nested_key) or [item.key], json.loads(item.value_json)] for item in record.history.item])
print(json.dumps(rows))
