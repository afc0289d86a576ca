//! The Rust door gives, bit by bit, what the same expressions give as texts; in regions, in files, in asynchronous code.

use crate::kit::cluster::{engine, serve_at_free_port};
use std::path::Path;
use xeng::api::{Arg, Array, Dataset, Lazy, Open, Session, args};
use xeng::error::{ErrorKind, Result};
use xeng::open_spec::parse_open;
use xeng::session::{Job, Setup};

/// A file of three years of monthly fields.
fn written(folder: &Path, name: &str, shift: f64) -> String {
    let session = Session::local().unwrap();
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days: Vec<i64> = (0..36).map(|m| (0..m).map(|m| lengths[m % 12]).sum()).collect();
    let cells: Vec<f64> =
        (0..36 * 40).map(|i| if i % 17 == 3 { f64::NAN } else { 280.0 + shift + 20.0 * f64::sin(f64::from(i) * 0.7) }).collect();
    let planes = cells.chunks(40).map(|p| p.chunks(8).map(<[f64]>::to_vec).collect::<Vec<_>>()).collect::<Vec<_>>();
    let lat = vec![60.0, 30.0, 0.0, -30.0, -60.0];
    let lon: Vec<f64> = (0..8).map(|i| f64::from(i) * 45.0).collect();
    let units = Arg::dict([("units", "days since 2001-01-01"), ("calendar", "noleap")]);
    let time = Arg::call("xr.DataArray", args![days, dims = ["time"], attrs = units]);
    let coords = Arg::dict([("time", time), ("lat", lat.into()), ("lon", lon.into())]);
    let t = session.call("xr.DataArray", args![planes, dims = ["time", "lat", "lon"], coords = coords]).unwrap();
    let t = t.astype("float32").unwrap();
    let mask = t.isel(("time", 0)).unwrap().call("drop_vars", "time").unwrap().gt(280).astype("int64").unwrap();
    let path = folder.join(name);
    let ds = t.to_dataset("t2m").unwrap().assign(("mask", &mask)).unwrap();
    ds.compute().unwrap().write(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Handles and the texts that they should be.
fn pairs(session: &Session, d: &Lazy<Dataset>, e: &Lazy<Dataset>) -> Result<Vec<(Lazy<Array>, &'static str)>> {
    let (t, m, u) = (d.var("t2m")?, d.var("mask")?, e.var("t2m")?);
    let months = || t.groupby("time.month");
    Ok(vec![
        (t.mean("time")?, "d.t2m.mean('time')"),
        (t.mean(())?, "d.t2m.mean()"),
        (t.sum(["lat", "lon"])?, "d.t2m.sum(['lat', 'lon'])"),
        (t.std(args!["time", ddof = 1])?, "d.t2m.std('time', ddof=1)"),
        (t.sel(("time", "2001-03".."2002"))?.min("time")?, "d.t2m.sel(time=slice('2001-03', '2002')).min('time')"),
        (t.sel((("lat", 60.0..=0.0), ("lon", [45.0, 90.0])))?, "d.t2m.sel(lat=slice(60, 0), lon=[45, 90])"),
        (t.sel_nearest(("lat", 20))?, "d.t2m.sel(lat=20, method='nearest')"),
        (t.isel((("time", -1), ("lon", ..3)))?, "d.t2m.isel(time=-1, lon=slice(None, 3))"),
        (t.isel(("lon", Arg::slice((), (), -1)))?, "d.t2m.isel(lon=slice(None, None, -1))"),
        (&t - 273.15, "d.t2m - 273.15"),
        (1 / (273.15 - &t), "1 / (273.15 - d.t2m)"),
        (-&t * 2 + &u, "-d.t2m * 2 + e.t2m"),
        (months()? - months()?.mean("time")?, "g = d.t2m.groupby('time.month')\ng - g.mean('time')"),
        (months()?.max(())?, "d.t2m.groupby('time.month').max()"),
        (t.resample(("time", "QS-DEC"))?.mean(())?, "d.t2m.resample(time='QS-DEC').mean()"),
        (t.rolling(args![time = 3, center = true])?.mean(())?, "d.t2m.rolling(time=3, center=True).mean()"),
        (t.coarsen(args![lat = 2, boundary = "trim"])?.max(())?, "d.t2m.coarsen(lat=2, boundary='trim').max()"),
        (
            t.weighted(&t.coord("lat")?.np("deg2rad", ())?.np("cos", ())?)?.mean(["lat", "lon"])?,
            "d.t2m.weighted(np.cos(np.deg2rad(d.lat))).mean(['lat', 'lon'])",
        ),
        (t.where_(t.gt(285) & !m.eq(0))?, "d.t2m.where((d.t2m > 285) & ~(d.mask == 0))"),
        (t.where_or(t.ge(&u), -1.5)?, "d.t2m.where(d.t2m >= e.t2m, -1.5)"),
        (t.where_drop(t.coord("lat")?.lt(10))?, "d.t2m.where(d.lat < 10, drop=True)"),
        (t.fillna(0)?.cumsum("time")?, "d.t2m.fillna(0).cumsum('time')"),
        (t.clip(270, ())?.round(1)?, "d.t2m.clip(270, None).round(1)"),
        (t.quantile([0.1, 0.9], "time")?, "d.t2m.quantile([0.1, 0.9], 'time')"),
        (t.call("quantile", args![0.5, dim = "time", skipna = true])?, "d.t2m.quantile(0.5, dim='time', skipna=True)"),
        (t.median("lon")?, "d.t2m.median('lon')"),
        (t.count("time")?.astype("int32")?, "d.t2m.count('time').astype('int32')"),
        (t.diff("time")?.shift(("time", 1))?, "d.t2m.diff('time').shift(time=1)"),
        (t.interp((("lat", [10.0, 15.0]), ("lon", 50.0)))?, "d.t2m.interp(lat=[10., 15.], lon=50.)"),
        (t.transpose(["lon", "time", "lat"])?.rename(("lat", "y"))?, "d.t2m.transpose('lon', 'time', 'lat').rename(lat='y')"),
        (t.transpose([Arg::from("lon"), Arg::rest()])?.sortby("lat")?, "d.t2m.transpose('lon', ...).sortby('lat')"),
        (t.fillna(0)?.argmax("time")?, "d.t2m.fillna(0).argmax('time')"),
        (t.dropna(args!["time", how = "all"])?, "d.t2m.dropna('time', how='all')"),
        (t.interpolate_na("time")?, "d.t2m.interpolate_na('time')"),
        (
            t.regrid([45.0, 0.0, -45.0], [0.0, 90.0, 180.0, 270.0], "conservative")?,
            "d.t2m.xeng.regrid(dict(lat=[45., 0., -45.], lon=[0., 90., 180., 270.]), method='conservative')",
        ),
        (t.wrap_lon(180)?, "d.t2m.xeng.wrap_lon(180)"),
        (t.coord("time")?.dt("month")?, "d.time.dt.month"),
        (t.pow(2).floor_div(7) % 5, "d.t2m ** 2 // 7 % 5"),
        (session.call("xr.corr", args![&t, &u, "time"])?, "xr.corr(d.t2m, e.t2m, 'time')"),
        (session.call("xr.concat", args![[&t, &u], "member"])?.variance("member")?, "xr.concat([d.t2m, e.t2m], 'member').var('member')"),
        (session.array("a - b.mean('time')", [("a", &t), ("b", &u)])?, "d.t2m - e.t2m.mean('time')"),
        (d.mean("time")?.to_array("variable")?, "d.mean('time').to_array('variable')"),
    ])
}

async fn of_text(session: &xeng::session::Session, text: &str, opens: [&str; 2]) -> xeng::receipt::Receipt {
    let job = Job::expression(text, opens.iter().map(|o| parse_open(o).unwrap()).collect());
    session.evaluate(&job, &|_, _| {}).await.unwrap_or_else(|e| panic!("{text}: {e}")).receipt
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_give_what_texts_give() {
    let folder = tempfile::tempdir().unwrap();
    let (d, e) = (written(folder.path(), "d.nc", 0.0), written(folder.path(), "e.nc", 1.25));
    let session = Session::local().unwrap();
    let texts = xeng::session::Session::start(Setup::default()).unwrap();
    let pairs = pairs(&session, &session.open(&d).unwrap(), &session.open(&e).unwrap()).unwrap();
    assert!(pairs.len() > 35);
    let mut seen = std::collections::BTreeSet::new();
    for (handle, text) in pairs {
        let mine = handle.compute_async().await.unwrap_or_else(|e| panic!("{text}: {e}"));
        let named = mine.receipt().result_sha256.clone();
        let theirs = of_text(&texts, text, [&format!("d={d}"), &format!("e={e}")]).await;
        assert_eq!(named, theirs.result_sha256, "{text}\n{handle}");
        if let Ok(dims) = handle.dims() {
            assert_eq!((dims, handle.shape().unwrap()), (mine.dims().to_vec(), mine.shape().to_vec()), "{text}");
        }
        seen.insert(named);
    }
    assert!(seen.len() > 35, "results differ from each other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datasets_of_different_regions_meet() {
    let folder = tempfile::tempdir().unwrap();
    let (d, e) = (written(folder.path(), "d.nc", 0.0), written(folder.path(), "e.nc", 1.25));
    let (east, _east) = serve_at_free_port(engine("east", 1)).await;
    let (west, _west) = serve_at_free_port(engine("west", 1)).await;
    let session = Session::connect([format!("http://{east}"), format!("http://{west}")]).unwrap();
    assert_eq!(session.regions(), ["east", "home", "west"]);
    // Blocking calls within asynchronous code wait, and do not panic.
    let d = session.open(Open::at(&d).region("east")).unwrap();
    let e = session.open_async(Open::at(&e).region("west")).await.unwrap();
    let far = (d.var("t2m").unwrap().mean("time").unwrap() - e.var("t2m").unwrap().mean("time").unwrap()).compute().unwrap();
    assert!(far.values::<f32>().unwrap().iter().all(|v| (v + 1.25).abs() < 1e-3), "{far}");
    assert!(far.receipt().links.iter().filter(|link| link.received_bytes > 0).count() == 2);
    let other = Session::local().unwrap().open(folder.path().join("d.nc").to_str().unwrap()).unwrap();
    let refused = (d.var("t2m").unwrap() - other.var("t2m").unwrap()).compute().unwrap_err();
    assert!(refused.message.contains("another session"), "{refused}");
    let missed = session.open("/nowhere/x.nc").unwrap_err();
    assert!(missed.to_string().contains("east, west"), "{missed}");
    let nobody = Session::connect(["http://127.0.0.1:1"]).unwrap_err();
    assert_eq!(nobody.kind, ErrorKind::Unavailable, "{nobody}");
}

#[test]
fn results_are_seen_and_written_but_never_over_their_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "d.nc", 0.0);
    let session = Session::local().unwrap();
    let ds = session.open(&path).unwrap();
    let e = ds.var("t2n").unwrap_err().to_string();
    assert!(e.contains("t2m") && e.contains('^'), "{e}");
    let map = ds.var("t2m").unwrap().mean("time").unwrap().compute().unwrap();
    assert_eq!((map.dims(), map.shape(), map.name()), (&["lat".to_owned(), "lon".to_owned()][..], &[5, 8][..], Some("t2m")));
    assert_eq!(map.values::<f32>().unwrap()[[2, 3]], map.to_f64().unwrap()[[2, 3]] as f32);
    assert!(map.values::<f64>().unwrap_err().message.contains("float32"));
    assert_eq!(map.coord("lat").unwrap().to_f64().unwrap().into_raw_vec_and_offset().0, [60.0, 30.0, 0.0, -30.0, -60.0]);
    assert!(map.coord("lot").unwrap_err().to_string().contains("lat"));
    let before = std::fs::read(&path).unwrap();
    let refused = map.write(&path).unwrap_err();
    assert_eq!((refused.kind, std::fs::read(&path).unwrap()), (ErrorKind::Request, before));
    let out = folder.path().join("out.nc");
    assert_eq!(map.write(&out).unwrap(), std::fs::metadata(&out).unwrap().len());
    let again = session.open(out.to_str().unwrap()).unwrap().var("t2m").unwrap().compute().unwrap();
    assert_eq!(again.values::<f32>().unwrap(), map.values::<f32>().unwrap());
    let all = ds.mean(["time", "lat", "lon"]).unwrap().compute().unwrap();
    assert!((all.var("t2m").unwrap().scalar().unwrap() - 280.0).abs() < 1.0 && all.names().count() == 2);
}
