"""Makes the files beside it; see README.md. Run: python make.py (h5py, hdf5plugin, numcodecs, numpy)."""
import ctypes, gzip, io, os, tempfile
import h5py, hdf5plugin, numcodecs as nc, numpy as np
from h5py import h5d, h5p, h5s, h5t

HERE = os.path.dirname(os.path.abspath(__file__))
lines = []


def hdf5_chunk(name, data, **options):
    """The first chunk of a dataset, with the parameters of its filters."""
    with h5py.File(io.BytesIO(), "w") as f:
        d = f.create_dataset("x", data=data, chunks=data.shape, **options)
        plist = d.id.get_create_plist()
        filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
        stored = d.id.read_direct_chunk((0,) * data.ndim)[1]
        settings = ";".join(f"{f[0]}:{','.join(map(str, f[2]))}" for f in filters)
        lines.append(f"hdf5 {settings} {stored.hex()} {np.ascontiguousarray(d[...]).tobytes().hex()} {name}")


def numcodecs_chunk(codec, data):
    import json
    stored = bytes(np.ascontiguousarray(codec.encode(data)).view("u1").data) if not isinstance(codec.encode(data), bytes) else codec.encode(data)
    decoded = np.ascontiguousarray(codec.decode(codec.encode(data))).view("u1").tobytes()
    lines.append(f"numcodecs {json.dumps(codec.get_config()).replace(' ', '')} {stored.hex()} {decoded.hex()} {data.dtype.str}")


ramp = np.arange(45, dtype="<i4") * 7 % 100 - 20
for kind, options in [("none", {"cname": "none"}), ("lz4", {"cname": "lz4"}), ("zstd", {"cname": "zstd"}), ("small blocks", {"cname": "lz4", "nelems": 16})]:
    hdf5_chunk(f"bitshuffle {kind}", ramp, **hdf5plugin.Bitshuffle(**options))
hdf5_chunk("bitshuffle of three-byte-like counts", ramp.astype("<i2"), **hdf5plugin.Bitshuffle(cname="none", nelems=8))
hdf5_chunk("bzip2", ramp, **hdf5plugin.BZip2())
hdf5_chunk("lz4", ramp, **hdf5plugin.LZ4())
hdf5_chunk("lz4 in blocks", ramp, **hdf5plugin.LZ4(nbytes=50))
hdf5_chunk("zstd", ramp, **hdf5plugin.Zstd())
hdf5_chunk("lzf", np.zeros(60, "<i4"), compression="lzf")
for kind in ["lz4", "blosclz", "zlib", "zstd"]:
    hdf5_chunk(f"blosc {kind}", ramp, **hdf5plugin.Blosc(cname=kind))
for kind in ["i1", "u1", "<i2", ">i2", "<u4", ">i8"]:
    hdf5_chunk(f"scaleoffset {kind}", np.abs(ramp).astype(kind) if kind[-2] == "u" else ramp.astype(kind), scaleoffset=0, fillvalue=3)
hdf5_chunk("scaleoffset of equal cells", np.full(9, 4, "<i4"), scaleoffset=0)
for kind in ["<f4", ">f4", "<f8"]:
    hdf5_chunk(f"scaleoffset {kind}", (ramp / 16).astype(kind), scaleoffset=2)
    hdf5_chunk(f"scaleoffset as wide as cells {kind}", (ramp / 16).astype(kind), scaleoffset=13)
for codec, kind in [
    (nc.Delta(dtype="<i4"), "<i4"), (nc.Delta(dtype=">i4", astype="<i2"), ">i4"), (nc.Delta(dtype="<f4"), "<f4"),
    (nc.FixedScaleOffset(offset=1.5, scale=10, dtype="<f4", astype="<i2"), "<f4"), (nc.FixedScaleOffset(offset=-20, scale=2, dtype="<f8", astype="|u1"), "<f8"),
    (nc.AsType(encode_dtype="<f8", decode_dtype="<i2"), "<i2"), (nc.Quantize(1, dtype="<f8", astype="<f4"), "<f8"),
    (nc.PackBits(), "|b1"), (nc.BZ2(), "<i4"), (nc.LZ4(), "<i4"), (nc.CRC32(), "<i4"), (nc.Adler32(), "<i4"), (nc.CRC32C(), "<i4"), (nc.Fletcher32(), "<i4"),
]:
    numcodecs_chunk(codec, (ramp > 0) if kind == "|b1" else ramp.astype(kind))
with open(os.path.join(HERE, "chunks.txt"), "w") as out:
    out.write("\n".join(lines) + "\n")

libhdf5 = ctypes.CDLL([line.split()[-1] for line in open("/proc/self/maps") if "libhdf5" in line and "_hl" not in line][0])


def cells(shape, kind):
    return (np.arange(np.prod(shape, dtype=int)) * 7 % 100).astype(kind).reshape(shape)


def layouts(name, libver, userblock):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.h5")
        with h5py.File(path, "w", libver=libver, userblock_size=userblock) as f:
            a, chunks = cells((10, 7), ">i2"), (4, 3)
            f["contiguous"] = a
            f.create_dataset("one", data=a, chunks=(10, 7), compression="gzip")
            f.create_dataset("fixed", data=a, chunks=chunks, compression="gzip", shuffle=True, fletcher32=True)
            f.create_dataset("extensible", data=a, chunks=chunks, maxshape=(None, 7), compression="lzf")
            f.create_dataset("tree", data=a, chunks=chunks, maxshape=(None, None))
            f.create_dataset("float", data=cells((10, 7), ">f8"), chunks=chunks)
            f.create_dataset("half", data=cells((3,), "<f2"))
            d = f.create_dataset("hole_fixed", (10, 7), "<i4", chunks=chunks, fillvalue=5)
            d[7:9, 5] = 3
            d = f.create_dataset("hole_tree", (10, 7), "<i4", chunks=chunks, fillvalue=5, maxshape=(None, None))
            d[7:9, 5] = 3
            f.create_dataset("never_contiguous", (10, 7), ">i4", fillvalue=5)
            f.create_dataset("never_chunked", (10, 7), ">i4", fillvalue=5, chunks=chunks)
            d = f.create_dataset("shrunk", data=cells((20, 7), "<i2"), chunks=chunks, maxshape=(None, None))
            d.resize((10, 7))
            d = f.create_dataset("never_regrown", data=a, chunks=chunks, maxshape=(None, None), fillvalue=5)
            d.resize((0, 0)); d.resize((10, 7))
            d = f.create_dataset("masked", (8, 6), "<i2", chunks=chunks, compression="gzip", shuffle=True)
            d[...] = cells((8, 6), "<i2")
            d.id.write_direct_chunk((4, 3), np.ascontiguousarray(cells((8, 6), "<i2")[4:, 3:]).tobytes(), 3)
            for kind, at, options in [("compact", b"compact", 0), ("implicit", b"implicit", 0), ("edges", b"edges", 2)]:
                plist = h5p.create(h5p.DATASET_CREATE)
                if kind == "compact":
                    plist.set_layout(h5d.COMPACT)
                else:
                    plist.set_chunk(chunks)
                if kind == "implicit":
                    plist.set_alloc_time(h5d.ALLOC_TIME_EARLY)
                if kind == "edges":
                    if libver == "earliest":
                        continue
                    plist.set_deflate(4)
                    assert libhdf5.H5Pset_chunk_opts(ctypes.c_int64(plist.id), ctypes.c_uint(options)) >= 0
                d = h5d.create(f.id, at, h5t.STD_I16BE, h5s.create_simple((10, 7)), plist)
                d.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(a.astype("<i2")))
            for kind, precision, offset in [("nbit_signed", 12, 3), ("nbit_big", 12, 3)]:
                t = (h5t.STD_I16BE if kind.endswith("big") else h5t.STD_I16LE).copy()
                t.set_precision(precision); t.set_offset(offset)
                plist = h5p.create(h5p.DATASET_CREATE); plist.set_chunk(chunks); plist.set_filter(5, 0)
                d = h5d.create(f.id, kind.encode(), t, h5s.create_simple((10, 7)), plist)
                d.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(a.astype("<i2")))
            f.create_dataset("bool", data=cells((6,), "<i2") % 2 == 1)
            f.create_dataset("enum", data=cells((6,), ">i2"), dtype=h5py.enum_dtype({"a": 0, "b": 7}, basetype=">i2"))
            f["kind"] = np.dtype(">i4")
            f.create_dataset("committed", data=cells((6,), ">i4"), dtype=f["kind"])
            f.create_group("outer/inner")["nested"] = cells((5,), "<u8")
        with open(path, "rb") as made:
            packed = gzip.compress(made.read(), 9, mtime=0)
    with open(os.path.join(HERE, name), "wb") as out:
        out.write(packed)


layouts("old.h5.gz", "earliest", 512)
layouts("new.h5.gz", "latest", 0)
