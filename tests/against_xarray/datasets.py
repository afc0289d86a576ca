"""Writes the small files that expressions are drawn over, and opens them as xarray does.

In: a folder and a seed. Out: files, and for each alias the address to give to `xeng --open` and an xarray.Dataset in memory.
Values are multiples of 1/8 or whole numbers, so that the files stay small and sums of a few are exact.
"""
import glob
import os
import warnings
from datetime import timedelta

import cftime
import numpy as np
import xarray as xr

ADDRESS = {'d': 'd.nc', 'm': 'm.zarr', 'c': 'c.nc', 'x': 'x.nc', 'f': 'f_*.nc', 'k': 'k.nc', 'o': 'o.nc', 'j': 'j.nc'}


def field(rng, shape, low, high, missing=0.0, dtype='f4'):
    """Random multiples of 1/8 between two bounds, a part of them NaN."""
    out = (rng.integers(int(low * 8), int(high * 8), shape) / 8).astype(dtype)
    if missing:
        out[rng.random(shape) < missing] = np.nan
    return out


def seasonal(rng, days, shape, missing):
    """A yearly cycle and noise; whole chunks of it are missing, so that groups without a value exist."""
    cycle = np.round(80 * np.sin(2 * np.pi * np.asarray(days) / 365.25)) / 8
    out = field(rng, shape, 270, 300, missing) + cycle.reshape((-1,) + (1,) * (len(shape) - 1)).astype('f4')
    out[35:70, 0, 0] = np.nan
    return out.astype('f4')


def daily(rng):
    """d: daily, standard calendar with a leap day; descending latitudes; packed, boolean and static variables; a scalar coordinate."""
    time = np.datetime64('1999-12-20', 'ns') + np.arange(420) * np.timedelta64(1, 'D')
    n, lat, lon = time.size, [60.0, 30.0, 0.0], [0.0, 90.0, 180.0, 270.0]
    ds = xr.Dataset(
        {
            't': (('time', 'lat', 'lon'), seasonal(rng, np.arange(n), (n, 3, 4), 0.05), {'units': 'K', 'long_name': 'temperature'}),
            'p': (('time', 'lon'), field(rng, (n, 4), 90, 110, 0.03, 'f8'), {'units': 'hPa'}),
            'u': (('lat', 'time'), field(rng, (3, n), -20, 20, 0.1, 'f8'), {'units': 'm s-1'}),
            'n': (('time',), rng.integers(-5, 40, n).astype('i4'), {'units': '1'}),
            'mask': (('lat', 'lon'), rng.random((3, 4)) < 0.6),
            'h': (('lat', 'lon'), field(rng, (3, 4), 0, 500), {'units': 'm'}),
        },
        coords={
            'time': ('time', time, {'standard_name': 'time'}),
            'lat': ('lat', lat, {'units': 'degrees_north'}),
            'lon': ('lon', lon, {'units': 'degrees_east'}),
            'height': ((), 2.0, {'units': 'm'}),
        },
        attrs={'title': 'daily', 'source': 'made up'},
    )
    packed = {'dtype': 'i2', 'scale_factor': 0.125, 'add_offset': 100.0, '_FillValue': -32768, 'chunksizes': (64, 4)}
    return ds, {
        't': {'chunksizes': (37, 2, 3), 'zlib': True, 'shuffle': True},
        'p': {**packed, 'zlib': True, 'shuffle': True},
        'u': {'chunksizes': (3, 50), 'zlib': True, 'shuffle': True},
        'n': {'chunksizes': (100,), 'zlib': True, 'shuffle': True, '_FillValue': None},
        'time': {'units': 'days since 1990-01-01', 'calendar': 'standard', 'dtype': 'i4'},
    }


def monthly(rng):
    """m: monthly, noleap, on levels; latitudes that only partly meet those of d, in the other order."""
    time = [cftime.DatetimeNoLeap(2001 + i // 12, 1 + i % 12, 15) for i in range(40)]
    return xr.Dataset(
        {
            'ta': (('time', 'level', 'lat'), field(rng, (40, 4, 4), 220, 290, 0.04), {'units': 'K'}),
            'pr': (('time', 'lat', 'lon'), field(rng, (40, 4, 3), 0, 12, 0.0, 'f8'), {'units': 'mm day-1'}),
            'k': (('level', 'time'), rng.integers(0, 7, (4, 40)).astype('i8')),
        },
        coords={
            'time': time,
            'level': ('level', np.array([1000, 850, 500, 250], 'i4'), {'units': 'hPa', 'positive': 'down'}),
            'lat': ('lat', [-45.0, 0.0, 30.0, 60.0], {'units': 'degrees_north'}),
            'lon': ('lon', np.array([0.0, 45.0, 90.0], 'f4'), {'units': 'degrees_east'}),
        },
        attrs={'title': 'monthly'},
    )


def curvilinear(rng):
    """c: monthly, 360_day, on a grid whose latitudes and longitudes have two dimensions; no labels along j and i."""
    time = [cftime.Datetime360Day(2004 + i // 12, 1 + i % 12, 16) for i in range(30)]
    j, i = np.meshgrid(np.arange(3), np.arange(4), indexing='ij')
    tos = field(rng, (30, 3, 4), -2, 30, 0.05)
    tos[:, 1, 1:3] = np.nan
    return xr.Dataset(
        {
            'tos': (('time', 'j', 'i'), tos, {'units': 'degC', 'cell_methods': 'time: mean'}),
            'area': (('j', 'i'), field(rng, (3, 4), 1, 9, 0.0, 'f8'), {'units': 'm2'}),
            'basin': (('j', 'i'), rng.integers(0, 3, (3, 4)).astype('i1')),
        },
        coords={
            'time': time,
            'lat': (('j', 'i'), -20.0 + 15.0 * j + 0.5 * i, {'units': 'degrees_north'}),
            'lon': (('j', 'i'), 100.0 + 10.0 * i - 2.0 * j, {'units': 'degrees_east'}),
        },
    )


def stations(rng):
    """x: every six hours, along stations without labels that have names and elevations."""
    time = np.datetime64('2000-02-20T06:00', 'ns') + np.arange(60) * np.timedelta64(6, 'h')
    return xr.Dataset(
        {
            'temp': (('time', 'station'), field(rng, (60, 5), -10, 25, 0.1, 'f8'), {'units': 'degC'}),
            'wind': (('station', 'time'), field(rng, (5, 60), 0, 30, 0.05), {'units': 'm s-1'}),
            'code': (('time',), rng.integers(0, 100, 60).astype('i2')),
            'flag': (('station',), rng.integers(0, 255, 5).astype('u1')),
        },
        coords={
            'time': time,
            'name': ('station', np.array(['Ulm', 'Oslo', 'Bari', 'Oslo', 'Graz'])),
            'elev': ('station', field(rng, (5,), 0, 900), {'units': 'm'}),
        },
    )


def series(rng):
    """f: three files of one daily noleap series, with bounds of its times."""
    days = np.arange(330)
    units = {'units': 'days since 1998-01-01', 'calendar': 'noleap'}
    ds = xr.Dataset(
        {
            'tas': (('time', 'lat', 'lon'), seasonal(rng, days, (330, 2, 2), 0.02), {'units': 'K'}),
            'time_bnds': (('time', 'bnds'), np.stack([days, days + 1.0], 1) + 25),
            'orog': (('lat', 'lon'), field(rng, (2, 2), 0, 900)),
        },
        coords={'time': ('time', days + 25.5, {**units, 'bounds': 'time_bnds'}), 'lat': [-10.0, 30.0], 'lon': [90.0, 100.0]},
        attrs={'title': 'series'},
    )
    return [ds.isel(time=slice(a, b)) for a, b in ((0, 110), (110, 200), (200, 330))]


def plain(rng):
    """k: no times; irregular labels, texts, none; infinities and signed zeros; every kind of integer."""
    a = field(rng, (5, 4, 3), -4, 4, 0.1, 'f8')
    a[0, 0, :] = [np.inf, -np.inf, -0.0]
    return xr.Dataset(
        {
            'a': (('y', 'z', 'w'), a),
            'b': (('y', 'z'), rng.integers(-9, 9, (5, 4)).astype('i8')),
            'e': (('z', 'y'), rng.integers(-300, 300, (4, 5)).astype('i2')),
            'q': (('y',), rng.integers(0, 255, 5).astype('u1')),
            'r': (('y', 'w'), rng.random((5, 3)) < 0.5),
            'v': (('w',), field(rng, (3,), 0, 5)),
            's': ((), 3.5, {'units': 'K'}),
        },
        coords={'y': [0.5, 1.5, 4.0, 8.0, 16.0], 'z': ['a', 'b', 'c', 'd'], 'half': ('y', np.arange(5) / 2)},
    )


def ocean(rng):
    """o: the first of each month, standard calendar, classic NetCDF."""
    time = np.array([f'{1990 + i // 12}-{1 + i % 12:02}-01' for i in range(36)], 'M8[ns]')
    sst = field(rng, (36, 3, 3), 0, 30, 0.03)
    sst[:, 0, 0] = np.nan
    return xr.Dataset(
        {'sst': (('time', 'lat', 'lon'), sst, {'units': 'degC'}), 'ice': (('time', 'lat'), field(rng, (36, 3), 0, 1, 0.0, 'f8'))},
        coords={
            'time': time,
            'lat': ('lat', [-30.0, 0.0, 30.0], {'units': 'degrees_north'}),
            'lon': ('lon', [0.0, 120.0, 240.0], {'units': 'degrees_east'}),
        },
    )


def odd(rng):
    """j: julian times that run backwards, three days apart; labels that repeat; float32 labels whose shortest text is not their value."""
    time = [cftime.DatetimeJulian(1900, 3, 15, 18) - timedelta(days=3 * i) for i in range(40)]
    return xr.Dataset(
        {
            'v': (('time', 'run'), field(rng, (40, 4), -9, 9, 0.1), {'units': 'm'}),
            'w': (('depth', 'time'), field(rng, (3, 40), 0, 40, 0.0, 'f8')),
            'b': (('time', 'depth'), rng.random((40, 3)) < 0.4),
            'u': (('depth', 'run'), rng.integers(0, 60000, (3, 4)).astype('u2')),
        },
        coords={'time': time, 'run': ('run', np.array([1, 2, 2, 3], 'i2')), 'depth': ('depth', np.array([0.1, 0.7, 2.3], 'f4'), {'units': 'm'})},
    )


def write(folder, seed=0):
    """Writes every file, unless it is there."""
    at = lambda name: os.path.join(folder, name)
    if os.path.exists(at('j.nc')):
        return
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(seed)
    packed = lambda *chunks: {'chunksizes': chunks, 'zlib': True, 'shuffle': True}
    ds, encoding = daily(rng)
    ds.to_netcdf(at('d.nc'), encoding=encoding)
    monthly(rng).to_zarr(
        at('m.zarr'), zarr_format=3, encoding={'ta': {'chunks': (17, 3, 4)}, 'pr': {'chunks': (40, 1, 3)}, 'time': {'units': 'days since 2000-01-01'}}
    )
    curvilinear(rng).to_netcdf(at('c.nc'), encoding={'tos': packed(11, 2, 4)})
    stations(rng).to_netcdf(at('x.nc'), encoding={'temp': packed(13, 5), 'time': {'units': 'hours since 2000-01-01', 'dtype': 'i4'}})
    for number, part in enumerate(series(rng), 1):
        part.to_netcdf(at(f'f_{number}.nc'), encoding={'tas': packed(45, 2, 2), 'orog': {'_FillValue': None}, 'time': {'chunksizes': (45,)}, 'time_bnds': packed(45, 2)}, unlimited_dims=['time'])
    plain(rng).to_netcdf(at('k.nc'))
    ocean(rng).to_netcdf(at('o.nc'), format='NETCDF3_64BIT', engine='netcdf4')
    odd(rng).to_netcdf(at('j.nc'), encoding={'v': packed(9, 4), 'time': {'units': 'hours since 1900-01-01', 'dtype': 'f8'}})


def opened(folder):
    """Every alias as xarray opens it, in memory."""
    out = {}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for alias, name in ADDRESS.items():
            path = os.path.join(folder, name)
            if '*' in name:
                ds = xr.open_mfdataset(sorted(glob.glob(path)), combine='by_coords')
            else:
                ds = xr.open_zarr(path) if name.endswith('.zarr') else xr.open_dataset(path)
            out[alias] = ds.load()
            ds.close()
    return out
