"""PyTorch on the CPU. Speaks the protocol of protocol.ts: JSON lines, requests on stdin, answers on descriptor 3."""
import json
import os
import struct
import sys
import time

import torch
import torch.nn.functional as F

dtypes = {"F32": torch.float32, "I32": torch.int32}


def read_tensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    return {
        name: torch.frombuffer(
            data,
            dtype=dtypes[entry["dtype"]],
            count=(entry["data_offsets"][1] - entry["data_offsets"][0]) // 4,
            offset=entry["data_offsets"][0],
        ).reshape(entry["shape"]).clone()
        for name, entry in header.items()
        if name != "__metadata__"
    }


def apply(layer, weights, x):
    kind = layer["kind"]
    if kind == "relu":
        return F.relu(x)
    if kind == "flatten":
        return x.flatten(1)
    if kind == "maxPool2d":
        return F.max_pool2d(x, layer["kernel"], layer["stride"])
    weight, bias = weights[layer["weight"]], weights.get(layer["bias"])
    if kind == "dense":
        return F.linear(x, weight, bias)
    return F.conv2d(x, weight, bias, layer["stride"], layer["padding"])


class Peer:
    def __init__(self, job):
        torch.set_num_threads(job["threads"])
        self.job = job
        self.weights = read_tensors(job["weightsFile"])
        batch = read_tensors(job["batchFile"])
        self.input, self.labels = batch["input"], batch["labels"].long()
        if job["task"] == "step":
            for weight in self.weights.values():
                weight.requires_grad_()
            self.optimizer = torch.optim.SGD(self.weights.values(), lr=job["learningRate"])

    def network(self):
        x = self.input
        for layer in self.job["layers"]:
            x = apply(layer, self.weights, x)
        return x

    def run(self):
        if self.job["task"] == "forward":
            with torch.no_grad():
                return self.network().flatten().tolist()
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.network(), self.labels)
        loss.backward()
        self.optimizer.step()
        return [loss.item()]


def main():
    answers = os.fdopen(3, "w")
    peer = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "prepare" in request:
                peer = Peer(request["prepare"])
                answer = {"versions": {"torch": torch.__version__, "python": sys.version.split()[0]}}
            else:
                start = time.perf_counter()
                values = peer.run()
                answer = {"ms": (time.perf_counter() - start) * 1000, "values": values}
        except Exception as error:  # whatever went wrong is the row's remark
            answer = {"error": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
