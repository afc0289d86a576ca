"""The least that a client needs: numbers through a gateway (evaluate.py makes labelled xarray objects of them).

    python cells.py localhost:7070 "d.tas.mean('time')" d=/data/tas.nc@us-east-1
"""
import json, sys
import grpc, pyarrow
from xeng.v1 import gateway_pb2 as pb, gateway_pb2_grpc as rpc

address, text, *opens = sys.argv[1:]
opens = [pb.Open(name=name, uri=uri) for name, uri in (o.split("=", 1) for o in opens)]
job = pb.Job(expression=pb.Expression(text=text, opens=opens))
stream = bytearray()
with grpc.insecure_channel(address) as channel:
    for reply in rpc.GatewayStub(channel).Evaluate(pb.EvaluateRequest(job=job)):
        if reply.HasField("chunk") and reply.chunk.table == 0:
            stream.extend(reply.chunk.data)
table = pyarrow.ipc.open_stream(bytes(stream)).read_all()
cells = table["values"].to_numpy().reshape(json.loads(table.schema.metadata[b"xeng.shape"]))
print(cells.dtype, cells.shape, cells)
