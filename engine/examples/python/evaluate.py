"""Evaluates an xarray expression through a gateway (`xeng serve --gateway`). All it needs of xeng is gateway.proto:

    pip install grpcio grpcio-tools pyarrow xarray cftime
    python -m grpc_tools.protoc -I ../../../proto/schema --python_out=. --grpc_python_out=. xeng/v1/gateway.proto
    python evaluate.py localhost:7070 "d.tas.mean('time')" d=/data/tas.nc@us-east-1
"""
import json, sys
import grpc, pyarrow, xarray
from xeng.v1 import gateway_pb2 as pb, gateway_pb2_grpc as rpc


def evaluate(address, text, **opens):
    """What `text` stands for, a DataArray or a Dataset, and the receipt."""
    job = pb.Job(expression=pb.Expression(text=text, opens=[pb.Open(name=n, uri=u) for n, u in opens.items()]))
    tables, receipt = {}, None
    with grpc.insecure_channel(address) as channel:
        for reply in rpc.GatewayStub(channel).Evaluate(pb.EvaluateRequest(job=job)):
            if reply.HasField("progress"):
                print(f"{reply.progress.read_bytes} of {reply.progress.total_bytes} bytes read", file=sys.stderr)
            elif reply.HasField("chunk"):
                tables.setdefault(reply.chunk.table, bytearray()).extend(reply.chunk.data)
            else:
                receipt = json.loads(reply.receipt_json)
    if receipt is None:
        raise EOFError("the answer was cut off")
    return labelled([pyarrow.ipc.open_stream(bytes(t)).read_all() for t in tables.values()]), receipt


def labelled(tables):
    """Arrow tables as xarray objects: their layout is told at `ResultChunk` in gateway.proto."""
    about = [{k.decode()[5:]: v.decode() for k, v in t.schema.metadata.items()} for t in tables]
    variables = [variable(t["values"].to_numpy(), a) for t, a in zip(tables, about)]
    arrays = [
        xarray.DataArray(v, {about[c]["name"]: variables[c] for c in json.loads(a["coords"])}, name=a.get("name"))
        for v, a in zip(variables, about) if a["role"] == "array"
    ]
    if about and "dataset" not in about[0]:
        return arrays[0]
    return xarray.Dataset({a.name: a for a in arrays}, attrs=json.loads(about[0]["dataset"]) if about else {})


def variable(cells, about):
    dims, shape, attrs = (json.loads(about[key]) for key in ("dims", "shape", "attrs"))
    if "time" not in about:
        return xarray.Variable(dims, cells.reshape(shape), attrs)
    encoded = {"units": "microseconds since 1970-01-01", "calendar": json.loads(about["time"])["calendar"], "_FillValue": cells.dtype.type(-(2**63))}
    return xarray.conventions.decode_cf_variable("time", xarray.Variable(dims, cells.reshape(shape), {**attrs, **encoded}))


if __name__ == "__main__":
    address, text, *opens = sys.argv[1:]
    try:
        result, receipt = evaluate(address, text, **dict(o.split("=", 1) for o in opens))
    except grpc.RpcError as error:
        sys.exit(f"{dict(error.trailing_metadata()).get('xeng-error-kind', error.code().name)}: {error.details()}")
    print(result)
    print(json.dumps(receipt, indent=2))
