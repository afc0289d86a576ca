#!/usr/bin/env python
"""Makes the GRIB samples and what ecCodes reads of them: python make.py FOLDER (ecCodes 2.50, numpy)."""
import sys, os
import numpy as np
import eccodes as ec

folder = sys.argv[1]
SMALL = dict(Ni=6, Nj=5, latitudeOfFirstGridPointInDegrees=60, latitudeOfLastGridPointInDegrees=58, longitudeOfFirstGridPointInDegrees=5,
             longitudeOfLastGridPointInDegrees=7.5, iDirectionIncrementInDegrees=.5, jDirectionIncrementInDegrees=.5)
expected = []

def message(values, packing='grid_simple', grid=SMALL, bits=None, bitmap=False, after=(), decimal=None, **keys):
    h = ec.codes_grib_new_from_samples('regular_ll_pl_grib2')
    ec.codes_set(h, 'tablesVersion', 33)
    for k, v in {**grid, 'dataDate': 20240301, 'dataTime': 0, **keys}.items():
        ec.codes_set(h, k, v)
    if bitmap:
        ec.codes_set(h, 'bitmapPresent', 1)
        ec.codes_set(h, 'missingValue', 9999)
        values = np.where(np.isnan(values), 9999, values)
    ec.codes_set_values(h, np.asarray(values, float).ravel())
    if bits: ec.codes_set(h, 'bitsPerValue', bits)
    if decimal is not None: ec.codes_set(h, 'changeDecimalPrecision', decimal)
    if packing != 'grid_simple': ec.codes_set(h, 'packingType', packing)
    if bits: ec.codes_set(h, 'bitsPerValue', bits)
    ec.codes_set_values(h, np.asarray(values, float).ravel())
    for k, v in after: ec.codes_set(h, k, v)
    return h

def write(name, handles):
    with open(os.path.join(folder, name), 'wb') as f:
        for h in handles:
            ec.codes_write(h, f)
    print(name, os.path.getsize(os.path.join(folder, name)), [ec.codes_get(h, 'packingType') for h in handles][:2])

def record(name, handles):
    """Writes a file, and keeps what ecCodes reads of it, by step."""
    write(name, handles)
    read = {}
    with open(os.path.join(folder, name), 'rb') as f:
        while (h := ec.codes_grib_new_from_file(f)) is not None:
            ec.codes_set(h, 'missingValue', 1e36)
            v = ec.codes_get_values(h).astype('<f4')
            v[v > 9e35] = np.nan
            read[ec.codes_get(h, 'step')] = v
    expected.extend(read[step] for step in sorted(read))

rng = np.random.default_rng(7)
def smooth(shape=(12, 16), at=280., span=20.):
    y, x = np.mgrid[0:1:shape[0] * 1j, 0:1:shape[1] * 1j]
    return at + span * (np.sin(5 * x) * np.cos(3 * y)) + rng.normal(0, span / 50, shape)

BIG = {**SMALL, 'Ni': 16, 'Nj': 12, 'latitudeOfLastGridPointInDegrees': 54.5, 'longitudeOfLastGridPointInDegrees': 12.5}
holes = smooth(); holes[rng.random(holes.shape) < .3] = np.nan

# Every packing, plain and with a bitmap, at several widths.
for packing, short, widths in [('grid_simple', 'simple', (12, 25)), ('grid_complex', 'complex', (12, 20)),
                               ('grid_complex_spatial_differencing', 'differences', (11, 18)), ('grid_ccsds', 'ccsds', (7, 12, 20)),
                               ('grid_png', 'png', (8, 16, 24)), ('grid_jpeg', 'jpeg', (9, 16, 20)), ('grid_ieee', 'ieee', (None,))]:
    handles = []
    for n, bits in enumerate(widths):
        # ecCodes fails to write small images that do not compress.
        field = lambda v: np.floor(v / 8) * 8 if packing == 'grid_png' else v
        handles.append(message(field(smooth()), packing, BIG, bits, shortName='2t', stepRange=n))
        if packing != 'grid_ieee':
            handles.append(message(field(holes), packing, BIG, bits, True, shortName='2t', stepRange=10 + n))
    if packing not in ('grid_ieee',):
        handles.append(message(np.full((12, 16), 273.125), packing, BIG, shortName='2t', stepRange=20))
    record(short + '.grib2', handles)

# Two times, two steps, two levels of one variable; two variables on heights of their own; an accumulation.
cube = []
n = 0
for date in (20240301, 20240302):
    for step in (0, 6):
        for level in (500, 850):
            cube.append(message(1000. * n + np.arange(30.), dataDate=date, stepRange=step, shortName='t', level=level, bits=16)); n += 1
        cube.append(message(1000. * n + np.arange(30.), dataDate=date, stepRange=step, shortName='2t', bits=16)); n += 1
        cube.append(message(1000. * n + np.arange(30.), dataDate=date, stepRange=step, shortName='10u', bits=16)); n += 1
cube.append(message(np.arange(30.), dataDate=20240302, shortName='tp', stepRange='0-6', bits=16))
order = rng.permutation(len(cube) - 1).tolist()
write('cube.grib2', [cube[i] for i in sorted(order, key=lambda i: (i % 4 > 1, i % 4, -i))] + cube[-1:])

# Members.
write('members.grib2', [message(100. * n + np.arange(30.), productDefinitionTemplateNumber=1, number=n, numberOfForecastsInEnsemble=3, shortName='2t',
                                typeOfProcessedData='pf', bits=16) for n in (2, 0, 1)])

# Scanning modes: the value of each point is 100 x its latitude + its longitude.
def scanned(**mode):
    g = dict(SMALL)
    if mode.get('jScansPositively'): g.update(latitudeOfFirstGridPointInDegrees=58, latitudeOfLastGridPointInDegrees=60)
    if mode.get('iScansNegatively'): g.update(longitudeOfFirstGridPointInDegrees=7.5, longitudeOfLastGridPointInDegrees=5)
    lat = np.linspace(g['latitudeOfFirstGridPointInDegrees'], g['latitudeOfLastGridPointInDegrees'], 5)
    lon = np.linspace(g['longitudeOfFirstGridPointInDegrees'], g['longitudeOfLastGridPointInDegrees'], 6)
    v = 100 * lat[:, None] + lon[None, :]
    if mode.get('jPointsAreConsecutive'): v = v.T
    v = v.copy()
    if mode.get('alternativeRowScanning'): v[1::2] = v[1::2, ::-1]
    return message(v, grid={**mode, **g}, bits=24, shortName='2t')
write('scan.grib2', [scanned(iScansNegatively=n >> 3, jScansPositively=n >> 2 & 1, jPointsAreConsecutive=n >> 1 & 1, alternativeRowScanning=n & 1)
                     for n in range(16)])

np.concatenate(expected).tofile(os.path.join(folder, 'expected.f32'))
