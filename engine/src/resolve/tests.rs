//! Plans over a hand-made description: dims, types, coordinates, attributes and the shape of the graph.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{Scope, resolve};
use crate::lazy::{Cells, CoordData, LazyArray, OpenedDataset, Plan, Value, fold};
use crate::parse::parse;
use indexmap::IndexMap;
use std::collections::HashMap;
use std::sync::Arc;
use xeng_kernels::{AxisChunks, Block, Calendar, DType};
use xeng_proto::{AttrValue, Attrs, Dataset, DatasetSpec, Decode, Kind, TimeEncoding, Times, Values, Variable};

fn attrs(units: &str) -> Attrs {
    [("units".to_owned(), AttrValue::Text(units.to_owned()))].into()
}

fn variable(dims: &[(&str, usize)], dtype: DType, kind: Kind, values: Option<Values>) -> Variable {
    let is_coordinate = values.is_some();
    Variable {
        dims: dims.iter().map(|d| d.0.to_owned()).collect(),
        chunks: dims.iter().map(|d| AxisChunks::uniform(d.1, 4)).collect(),
        stored: dtype,
        kind,
        decode: Decode::none(dtype),
        attrs: attrs("K"),
        filters: vec![],
        is_coordinate,
        values,
    }
}

fn numbers(dim: &str, cells: Vec<f64>) -> Variable {
    let n = cells.len();
    variable(&[(dim, n)], DType::F64, Kind::Number(DType::F64), Some(Values::Numbers(Block::from_vec(&[n], cells).unwrap())))
}

/// Two years of months of a calendar, four latitudes from north to south, six longitudes.
fn opened(alias: &str, calendar: Calendar) -> Arc<OpenedDataset> {
    let encoding = TimeEncoding { units: "days since 2000-01-01".to_owned(), calendar };
    let micros: Vec<i64> = (0..24).map(|m| super::dates::midnight(calendar, 2000 + m / 12, m as u32 % 12 + 1, 15).unwrap()).collect();
    let mut variables = IndexMap::new();
    let shape = [("time", 24), ("lat", 4), ("lon", 6)];
    variables.insert("tas".to_owned(), variable(&shape, DType::F32, Kind::Number(DType::F32), None));
    variables.insert("flag".to_owned(), variable(&shape[1..], DType::I16, Kind::Number(DType::I16), None));
    variables.insert(
        "time".to_owned(),
        variable(&shape[..1], DType::F64, Kind::Time(encoding.clone()), Some(Values::Times(Times { micros, encoding }))),
    );
    variables.insert("lat".to_owned(), numbers("lat", vec![60.0, 20.0, -20.0, -60.0]));
    variables.insert("lon".to_owned(), numbers("lon", (0..6).map(|i| i as f64 * 60.0).collect()));
    variables.insert("height".to_owned(), variable(&[], DType::F64, Kind::Number(DType::F64), Some(Values::Numbers(Block::scalar(2.0)))));
    let description = Dataset {
        spec: DatasetSpec::default(),
        snapshot: String::new(),
        files: 1,
        stored_bytes: 0,
        variables,
        attrs: Attrs::new(),
        unreadable: Default::default(),
    };
    Arc::new(OpenedDataset { alias: alias.to_owned(), region: "here".to_owned(), description })
}

fn run(text: &str) -> Result<(Value, Plan), String> {
    let mut scope = Scope::default();
    scope.datasets.insert("d".to_owned(), opened("d", Calendar::Standard));
    scope.datasets.insert("m".to_owned(), opened("m", Calendar::NoLeap));
    let program = parse(text).map_err(|e| e.to_string())?;
    let mut read = HashMap::new();
    loop {
        let mut plan = Plan::with_cells(read.clone());
        let resolved = resolve(&program, &scope, &mut plan);
        if plan.unread().is_empty() {
            return resolved.map(|v| (v, plan)).map_err(|e| e.to_string());
        }
        // What would be read is one everywhere.
        for &id in plan.unread() {
            let node = plan.node(id).unwrap();
            read.insert(id, Block::filled(node.dtype, &node.shape(), 1.0));
        }
    }
}

fn array(text: &str) -> (LazyArray, Plan) {
    match run(text) {
        Ok((Value::Array(a), plan)) => (a, plan),
        Ok((other, _)) => panic!("{text}: {}", other.type_name()),
        Err(e) => panic!("{text}: {e}"),
    }
}

/// `dims dtype`, such as `lat=4,lon=6 float32`.
fn shape(text: &str) -> String {
    let (a, plan) = array(text);
    let node = plan.node(a.node).unwrap();
    for (name, coord) in &a.coords {
        for (i, d) in coord.dims.iter().enumerate() {
            let len = node.dims.iter().find(|x| *x.name == **d).unwrap_or_else(|| panic!("{text}: coordinate {name} has the dim {d}")).len;
            match &coord.data {
                CoordData::Known(v, s) => assert!(s[i] == len && v.len() == s.iter().product::<usize>(), "{text}: coordinate {name}"),
                CoordData::Lazy(n, _) => assert_eq!(plan.node(*n).unwrap().dims[i].len, len, "{text}: coordinate {name}"),
            }
        }
    }
    let dims: Vec<String> = node.dims.iter().map(|d| format!("{}={}", d.name, d.len)).collect();
    format!("{} {}", dims.join(","), node.dtype)
}

fn coords(text: &str) -> Vec<String> {
    let mut names: Vec<String> = array(text).0.coords.iter().map(|(n, c)| format!("{n}({})", c.dims.join(","))).collect();
    names.sort();
    names
}

fn known(text: &str) -> Vec<f64> {
    let (a, plan) = array(text);
    match fold::values(&plan, &a) {
        Some(Values::Numbers(b)) => b.to_f64_vec(),
        other => panic!("{text}: {other:?}"),
    }
}

/// The dims of a dataset's variables, in the dataset's order.
fn members(text: &str) -> Vec<String> {
    let (v, plan) = run(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let Value::Dataset(d) = v else { panic!("{text}: no dataset") };
    d.variables.iter().map(|(name, v)| format!("{name}({})", plan.names(v.node).unwrap().join(","))).collect()
}

fn error(text: &str) -> String {
    match run(text) {
        Err(e) => e,
        Ok((v, _)) => panic!("{text}: accepted as {}", v.type_name()),
    }
}

#[test]
fn variables_carry_the_coordinates_that_fit() {
    assert_eq!(shape("d.tas"), "time=24,lat=4,lon=6 float32");
    assert_eq!(shape("d['flag']"), "lat=4,lon=6 int16");
    assert_eq!(coords("d.flag"), ["height()", "lat(lat)", "lon(lon)"]);
    assert_eq!(coords("d.tas.mean('time')"), ["height()", "lat(lat)", "lon(lon)"]);
    assert_eq!(array("d.tas").1.sources.len(), 1, "other variables are not scanned");
    assert!(error("d.tsa").contains("did you mean 'tas'"));
    assert!(error("d.tas.men('time')").contains("did you mean 'mean'"));
    assert!(error("d.tas.argsort('time')").contains("not supported yet"));
    assert!(error("e.tas").contains("not defined"));
}

#[test]
fn labels_select_as_in_pandas() {
    assert_eq!(shape("d.tas.sel(lat=20)"), "time=24,lon=6 float32");
    assert_eq!(shape("d.tas.sel(lat=slice(30,-30))"), "time=24,lat=2,lon=6 float32");
    assert_eq!(shape("d.tas.sel(lat=slice(-30,30))"), "time=24,lat=0,lon=6 float32");
    assert_eq!(shape("d.tas.sel(time='2000-03')"), "time=1,lat=4,lon=6 float32");
    assert_eq!(shape("d.tas.sel(time='2000-03-15')"), "lat=4,lon=6 float32");
    assert_eq!(shape("m.tas.sel(time='2000-03-15')"), "time=1,lat=4,lon=6 float32");
    assert_eq!(shape("d.tas.sel(time=slice('2000-03','2001'))"), "time=22,lat=4,lon=6 float32");
    assert_eq!(known("d.tas.sel(lat=[0, 45],method='nearest').lat"), [20.0, 60.0]);
    assert_eq!(known("d.tas.sel(lon=95,method='nearest').lon"), [120.0]);
    assert_eq!(shape("d.tas.isel(time=-1,drop=True)[::2, 1:]"), "lat=2,lon=5 float32");
    assert_eq!(shape("d.tas[..., 0].T"), "lat=4,time=24 float32");
    assert!(error("d.tas.sel(lat=21)").contains("nearest is 20"));
    assert!(error("d.tas.sel(time='1990')").contains("no time"));
    assert!(error("d.tas.isel(time=24)").contains("out of bounds"));
}

#[test]
fn arithmetic_promotes_and_aligns() {
    assert_eq!(shape("d.tas-273"), "time=24,lat=4,lon=6 float32");
    assert_eq!(shape("d.tas-np.float64(273)"), "time=24,lat=4,lon=6 float64");
    assert_eq!(shape("d.flag/2"), "lat=4,lon=6 float64");
    assert_eq!(shape("d.flag*d.tas"), "lat=4,lon=6,time=24 float32");
    assert_eq!(shape("(d.tas>280)&(d.flag==1)"), "time=24,lat=4,lon=6 bool");
    assert_eq!(shape("d.tas.isel(lat=[3,1])+d.tas"), "time=24,lat=2,lon=6 float32");
    assert_eq!(known("(d.tas.isel(lat=[3,1])+d.tas).lat"), [-60.0, 20.0]);
    assert_eq!(shape("d.tas[0]-d.tas[1]"), "lat=4,lon=6 float32");
    assert_eq!(coords("d.tas[0]-d.tas[1]"), ["height()", "lat(lat)", "lon(lon)"], "different scalar times vanish");
    assert_eq!(array("d.tas+d.flag").0.name, None);
    assert_eq!(array("d.tas*2").0.name.as_deref(), Some("tas"));
    assert_eq!(array("d.tas*2").0.attrs.len(), 1);
    assert_eq!(shape("d.flag.where(d.flag>0)"), "lat=4,lon=6 float32");
    assert_eq!(shape("xr.where(d.tas.notnull(),d.tas>280,np.nan)"), "time=24,lat=4,lon=6 float64");
    assert!(error("d.tas+d.time").contains("times"));
    assert!(shape("d.tas+m.tas").starts_with("time=0,"), "times of other calendars are never equal");
    assert!(error("np.sqrt(d.flag.astype('int8'))").contains("float16"));
    let cosine = known("np.cos(np.deg2rad(d.lat))");
    assert!((cosine[0] - 0.5).abs() < 1e-12 && cosine.len() == 4);
}

#[test]
fn equal_parts_are_one_node() {
    let (_, plan) = array("a=d.tas-273\nb=d.tas-273\na.mean('time')+b.mean('time')");
    assert_eq!(plan.graph.nodes().iter().filter(|n| n.op.name() == "scan").count(), 1);
    assert_eq!(plan.graph.nodes().iter().filter(|n| n.op.name() == "reduce").count(), 1);
}

#[test]
fn groups_sort_their_labels() {
    assert_eq!(shape("d.tas.groupby('time.month').mean('time')"), "month=12,lat=4,lon=6 float32");
    assert_eq!(shape("d.tas.transpose('lat','time','lon').groupby('time.season').mean()"), "lat=4,season=4,lon=6 float32");
    assert_eq!(shape("d.tas.groupby('time.year').count(...)"), "year=2 int64");
    let (a, _) = array("d.tas.groupby('time.season').mean('time')");
    assert_eq!(**a.coords["season"].known().unwrap(), Values::Texts(["DJF", "JJA", "MAM", "SON"].map(str::to_owned).to_vec()));
    assert_eq!(coords("d.tas.groupby(d.time.dt.month).mean()"), ["height()", "lat(lat)", "lon(lon)", "month(month)"]);
    let anomaly = "d.tas.groupby('time.month')-d.tas.groupby('time.month').mean('time')";
    assert_eq!(shape(anomaly), "time=24,lat=4,lon=6 float32");
    assert_eq!(coords(anomaly), ["height(time)", "lat(lat)", "lon(lon)", "month(time)", "time(time)"]);
    assert!(error("d.tas.groupby('time.mnth')").contains("did you mean 'month'"));
    assert!(error("np.maximum(d.tas,d.tas.groupby('time.year').max()).groupby('time.year').max()").contains("already"));
}

#[test]
fn resampling_labels_starts_of_bins() {
    assert_eq!(shape("d.tas.resample(time='YS').mean()"), "time=2,lat=4,lon=6 float32");
    assert_eq!(shape("m.tas.resample(time='QS-DEC').mean()"), "time=9,lat=4,lon=6 float32");
    assert_eq!(
        shape("d.flag.astype('i4').expand_dims(time=d.time[:2]).resample(time='D').max()"),
        "time=32,lat=4,lon=6 float64",
        "empty bins are missing"
    );
    assert!(error("d.tas.resample(lat='YS')").contains("no times"));
}

#[test]
fn weights_compose() {
    assert_eq!(shape("d.tas.weighted(np.cos(np.deg2rad(d.lat))).mean(['lat','lon'])"), "time=24 float64");
    assert_eq!(array("d.tas.weighted(np.cos(np.deg2rad(d.lat))).mean(['lat','lon'])").0.name.as_deref(), Some("tas"));
    assert_eq!(shape("d.tas.weighted(d.lat).std('lat')"), "time=24,lon=6 float64");
    assert!(error("d.tas.weighted(d.lat.where(d.lat>0)).mean()").contains("missing"));
}

#[test]
fn interpolation_moves_to_new_labels() {
    let text = "g=dict(lat=np.arange(-50.,51.,10.),lon=np.arange(0.,300.,5.))\nd.tas.mean('time').interp(method='slinear',**g)";
    assert_eq!(shape(text), "lat=11,lon=60 float64");
    assert_eq!(shape("d.tas.interp(lat=0,method='nearest')"), "time=24,lon=6 float32");
    assert_eq!(shape("d.tas.interp(lat=m.lat,lon=m.lon)"), "time=24,lat=4,lon=6 float64");
    assert_eq!(shape("d.tas.interp_like(m.flag)"), "time=24,lat=4,lon=6 float64");
    assert!(error("d.tas.interp(lat=[0],method='cubic')").contains("not supported"));
}

#[test]
fn joining_and_making() {
    assert_eq!(shape("xr.concat([d.tas.min('time'),d.tas.max('time')],'stat')"), "stat=2,lat=4,lon=6 float32");
    let wrap = "x=d.tas.mean('time')\nxr.concat([x,x.isel(lon=[0]).assign_coords(lon=x.lon[[0]]+360)],'lon')";
    assert_eq!(shape(wrap), "lat=4,lon=7 float32");
    assert_eq!(known(&format!("{wrap}.lon")).last(), Some(&360.0));
    assert_eq!(shape("xr.DataArray(np.arange(3),dims='k',coords={'k':[1,2,3]})"), "k=3 int64");
    assert_eq!(shape("xr.DataArray([float(d.tas.mean()),float(d.tas.max())],dims='k')"), "k=2 float64");
    assert_eq!(shape("xr.corr(d.tas,d.tas+1,'time')"), "lat=4,lon=6 float32");
    assert_eq!(shape("d.tas.coarsen(lat=2,lon=4,boundary='trim').mean()"), "time=24,lat=2,lon=1 float32");
    assert_eq!(known("d.tas.coarsen(lat=2).mean().lat"), [40.0, -40.0]);
    assert!(error("d.tas.coarsen(lat=3).mean()").contains("boundary"));
    assert!(error("np.arange(1e12)").contains("limit"));
}

#[test]
fn datasets_map_over_variables() {
    let (v, plan) = run("d.mean('time')").unwrap();
    let Value::Dataset(ds) = v else { panic!("no dataset") };
    assert_eq!(ds.variables.keys().collect::<Vec<_>>(), ["tas", "flag"]);
    assert_eq!(plan.dtype(ds.variables["flag"].node).unwrap(), DType::I16, "what has none of the dims stays as it is");
    assert_eq!(plan.names(ds.variables["flag"].node).unwrap(), ["lat", "lon"]);
    assert!(run("d.isel(time=0).tas").is_ok());
    assert!(error("d.mean('tme')").contains("time") || error("d.mean('tme')").contains("no dimension"));
}

/// A line of six `float32` latitudes a tenth apart, as the numbers of xarray 2026.9 were made with.
const TENTHS: &str = "a=xr.DataArray(np.arange(6.),dims='lat',coords={'lat':np.array([40.0,40.1,40.2,40.3,40.4,40.5],dtype='float32')})\n";

#[test]
fn float32_labels_are_looked_up_as_pandas_does() {
    let a = |text: &str| known(&format!("{TENTHS}{text}"));
    assert_eq!(a("a.sel(lat=slice(40,40.4))"), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(a("a.sel(lat=slice(40.1,40.3))"), [1.0, 2.0, 3.0]);
    assert_eq!(a("a.sel(lat=slice(40.1000001,40.3))"), [1.0, 2.0, 3.0]);
    assert_eq!(a("a.sel(lat=slice(np.float64(40.1),np.float64(40.3)))"), [1.0, 2.0, 3.0]);
    assert_eq!(a("a.sel(lat=slice(40.15,40.35))"), [2.0, 3.0]);
    assert_eq!(a("a[::-1].sel(lat=slice(40.3,40.1))"), [3.0, 2.0, 1.0]);
    assert_eq!(a("a[::-1].sel(lat=slice(40.1,40.3))"), [0.0; 0]);
    assert_eq!(a("a[::-1].sel(lat=slice(40.35,40.15))"), [3.0, 2.0]);
    assert_eq!(a("a.isel(lat=[1,0,3]).sel(lat=slice(40.1,40.3))"), [1.0, 0.0, 3.0]);
    assert_eq!(a("a.sel(lat=40.1)"), [1.0]);
    assert_eq!(a("a.sel(lat=[40.3,40.1],method='nearest',tolerance=0)"), [3.0, 1.0]);
    assert_eq!(a("a.sel(lat=40.3,method='pad')"), [3.0]);
    assert_eq!(a("a.sel(lat=40.1,method='backfill')"), [1.0]);
    for (to, want) in [("40.05", 1.0), ("40.15", 2.0), ("40.25", 3.0), ("40.35", 3.0), ("40.45", 5.0)] {
        assert_eq!(a(&format!("a.sel(lat={to},method='nearest')")), [want], "{to}");
        assert_eq!(a(&format!("a[::-1].sel(lat={to},method='nearest')")), [want], "{to}, descending");
    }
    assert!(error(&format!("{TENTHS}a.sel(lat=40.11,method='nearest',tolerance=0.0100001)")).contains("no label"));
    assert_eq!(a("a.drop_sel(lat=np.float32(40.1))"), [0.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(a("a.drop_sel(lat=a.lat[[1,2]])"), [0.0, 3.0, 4.0, 5.0]);
    assert_eq!(a("a.drop_sel(lat=[40])"), [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(error(&format!("{TENTHS}a.drop_sel(lat=40.1)")).contains("np.float32(40.1)"));
}

/// Cells, labels and type of an interpolation.
fn moved(text: &str) -> (Vec<f64>, Vec<f64>, String) {
    let t = "t=xr.DataArray(np.array([1,2,4],dtype='float32'),dims='lat',coords={'lat':np.array([60,40.1,20.3],dtype='float32')})\n";
    let (a, plan) = array(&format!("{t}{text}"));
    let labels = match a.coords["lat"].known().map(|v| (**v).clone()) {
        Some(Values::Numbers(b)) => b.to_f64_vec(),
        other => panic!("{text}: {other:?}"),
    };
    (known(&format!("{t}{text}")), labels, plan.dtype(a.node).unwrap().to_string())
}

#[test]
fn interpolated_arrays_have_xarrays_labels_and_types() {
    let near = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-7 || a.is_nan() && b.is_nan());
    let own = [60.0, 40.099998474121094, 20.299999237060547];
    for (text, cells, labels, dtype) in [
        ("t.interp(lat=t.lat-0.5)", vec![1.0251256227493286, 2.0505051612854004, f64::NAN], own.to_vec(), "float32"),
        ("t.interp(lat=t.lat+0.5)", vec![f64::NAN, 1.9748743772506714, 3.9494948387145996], own.to_vec(), "float32"),
        ("t.interp(lat=t.lat.astype('float64')-0.5)", vec![1.0251256161074593, 2.0505050215381004, f64::NAN], own.to_vec(), "float64"),
        ("t.interp(lat=t.lat[1]-0.5)", vec![2.0505051612854004], vec![own[1]], "float32"),
        ("t.interp(lat=np.array([50,30],dtype='float32'))", vec![1.5025124549865723, 3.0202019214630127], vec![50.0, 30.0], "float32"),
        ("t.interp(lat=np.array([50,30],dtype='int16'))", vec![1.5025125191252187, 3.020201889846959], vec![50.0, 30.0], "float64"),
        ("t.interp(lat=np.float32(50))", vec![1.5025124549865723], vec![50.0], "float32"),
        ("t.interp(lat=[50.,30.])", vec![1.5025125191252187, 3.020201889846959], vec![50.0, 30.0], "float64"),
        (
            "t.interp(lat=np.array([50,30],dtype='float32'),method='slinear')",
            vec![1.5025125242827508, 3.0202019053835594],
            vec![50.0, 30.0],
            "float64",
        ),
        ("t.interp(lat=np.array([50,30],dtype='float32'),method='nearest')", vec![2.0, 4.0], vec![50.0, 30.0], "float32"),
        (
            "t.astype('float64').interp(lat=np.array([50,30],dtype='float32'))",
            vec![1.5025125242827508, 3.0202019053835594],
            vec![50.0, 30.0],
            "float64",
        ),
        (
            "t.interp(lat=xr.DataArray([50.,30.],dims='k',coords={'lat':('k',[7,8])}))",
            vec![1.5025125191252187, 3.020201889846959],
            vec![7.0, 8.0],
            "float64",
        ),
        ("t.interp(lat=xr.DataArray([50.,30.],dims='k'))", vec![1.5025125191252187, 3.020201889846959], vec![50.0, 30.0], "float64"),
        ("t.interp_like(t)", vec![1.0, 2.0, 4.0], own.to_vec(), "float32"),
    ] {
        let got = moved(text);
        assert!(near(&got.0, &cells), "{text}: {:?} instead of {cells:?}", got.0);
        assert_eq!((got.1, got.2.as_str()), (labels, dtype), "{text}");
    }
    assert_eq!(shape("d.tas.interp_like(d.tas)"), "time=24,lat=4,lon=6 float64", "xarray interpolates along times that agree");
    assert_eq!(shape("m.tas.interp_like(m.tas)"), "time=24,lat=4,lon=6 float64", "cftime objects are only aligned");
}

#[test]
fn numbers_are_truths_in_logical_functions() {
    let i = "m=xr.DataArray([True,False],dims='x')\ni=xr.DataArray([0,2,3],dims='x')\nf=xr.DataArray([0.,np.nan,2.],dims='x')\n";
    let k = |text: &str| known(&format!("{i}{text}"));
    assert_eq!(k("np.logical_and(m,2)"), [1.0, 0.0]);
    assert_eq!(k("np.logical_and(2,m)"), [1.0, 0.0]);
    assert_eq!(k("np.logical_and(m,0.5)"), [1.0, 0.0]);
    assert_eq!(k("np.logical_or(m,2)"), [1.0, 1.0]);
    assert_eq!(k("np.logical_xor(m,2)"), [0.0, 1.0]);
    assert_eq!(k("np.logical_and(f,i)"), [0.0, 1.0, 1.0]);
    assert_eq!(k("np.logical_and(i,np.array([1,2,0]))"), [0.0, 1.0, 0.0]);
    assert_eq!(k("np.logical_not(f)"), [1.0, 0.0, 0.0]);
    assert_eq!(shape(&format!("{i}np.logical_and(m,2)")), "x=2 bool");
    assert_eq!(k("xr.DataArray(np.logical_xor(2,1))"), [0.0]);
}

#[test]
fn truths_keep_the_types_that_xarray_gives_them() {
    assert_eq!(shape("(d.tas>0)**2"), "time=24,lat=4,lon=6 int8");
    assert_eq!(shape("(d.tas>0)**3"), "time=24,lat=4,lon=6 int64");
    assert_eq!(shape("(d.tas>0)**2.0"), "time=24,lat=4,lon=6 float64");
    assert_eq!(shape("np.power(d.tas>0,2)"), "time=24,lat=4,lon=6 int64");
    assert!(error("(d.tas>0).shift(time=1)").contains("objects"));
    assert!(error("(d.tas>0).coarsen(time=5,boundary='pad').sum()").contains("not supported"));
    for name in ["skipna=False", "min_count=2", "ddof=1"] {
        assert!(error(&format!("d.tas.coarsen(time=2).sum({name})")).contains("no argument"), "{name}");
    }
}

#[test]
fn numpy_arrays_broadcast_or_are_refused_where_they_stand() {
    let g = "g=xr.DataArray(np.array([[0.,0,0],[0,0,0]]),dims=('y','x'))\n";
    assert_eq!(known(&format!("{g}g+np.array([[1],[2]])")), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    assert_eq!(known(&format!("{g}np.array([1,2,3])+g")), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    assert_eq!(known(&format!("{g}g+np.array([5])")), [5.0; 6]);
    assert_eq!(known(&format!("{g}np.maximum(np.array([1,2,3]),g)")), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    assert_eq!(known(&format!("{g}g+np.array([1,2,3])*np.array([[1],[10]])")), [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
    for text in ["g+np.array([[1],[2],[3]])", "np.array([1,2])+g", "np.maximum(g,np.array([1,2]))", "np.array([1,2])+np.array([1,2,3])"] {
        let told = error(&format!("{g}{text}"));
        assert!(told.contains("broadcast") && !told.contains("malformed"), "{text}: {told}");
    }
    let told = error("d.tas.drop_vars('lat').isel(lat=slice(2)) + d.tas.drop_vars('lat')");
    assert!(!told.contains("malformed"), "{told}");
}

#[test]
fn numbers_become_types_as_in_numpy() {
    assert_eq!(known("xr.DataArray(np.array([300,-1]).astype('uint8'))"), [44.0, 255.0]);
    assert_eq!(known("xr.DataArray(np.array(np.array([300.5,-1.0]),dtype='uint8'))"), [44.0, 255.0]);
    assert_eq!(known("xr.DataArray(np.full(2,300.0,dtype='uint8'))"), [44.0, 44.0]);
    assert_eq!(known("xr.DataArray(np.arange(0,400,100,dtype='uint8'))"), [0.0, 100.0, 200.0, 44.0]);
    assert_eq!(known("xr.DataArray(np.linspace(0,-1.5,4,dtype='int32'))"), [0.0, -1.0, -1.0, -2.0]);
    assert_eq!(known("xr.DataArray(np.full(2,9007199254740993)-9007199254740992)"), [1.0, 1.0]);
    for text in [
        "np.array([300.5],dtype='uint8')",
        "np.array([-1],dtype='uint8')",
        "np.int8(300)",
        "np.array([1e20],dtype='int32')",
        "np.full(2,300,dtype='uint8')",
    ] {
        assert!(error(text).contains("does not fit"), "{text}");
    }
    assert_eq!(known("xr.DataArray([1.0//0.1, 1.0%0.1])"), [9.0, 0.09999999999999995]);
}

#[test]
fn planning_takes_time_in_proportion() {
    let began = std::time::Instant::now();
    let within = |what: &str| assert!(began.elapsed() < std::time::Duration::from_secs(8), "{what}: {:?}", began.elapsed());
    let square = "x=xr.DataArray(np.array([[1.,2],[3,4]]),dims=('a','b'))\n";
    run(&format!("{square}{}x", "x=x*0.5+x.T*0.5\n".repeat(40))).unwrap();
    within("a chain of products");
    let (a, plan) = array(&format!("{square}{}x", "x=x-x.mean()\n".repeat(40)));
    crate::optimize::optimize(&plan.graph, &[a.node]).unwrap();
    within("a chain of means");
    let (a, plan) = array(&format!("x=d.tas\n{}x.isel(time=slice(3))", "x=x*(x+1)\n".repeat(40)));
    crate::optimize::optimize(&plan.graph, &[a.node]).unwrap();
    within("a selection of a chain");
    let line = "x=xr.DataArray(np.arange(30000.),dims='k',coords={'k':np.arange(30000.)})\n";
    assert_eq!(shape(&format!("{line}x.sel(k=np.arange(30000.)[::-1])")), "k=30000 float64");
    within("many labels");
    assert_eq!(shape(&format!("{line}x.coarsen(k=2).mean()")), "k=15000 float64");
    within("many windows");
}

#[test]
fn datasets_put_groups_first_and_repeat_what_has_none() {
    let per_month = ["tas(month,lon,lat)", "flag(month,lat,lon)"];
    assert_eq!(members("d.transpose('lon','lat','time').transpose(...,'lat','lon').groupby('time.month').mean()").len(), 2);
    assert_eq!(members("d.assign(tas=d.tas.transpose('lon','lat','time')).groupby('time.month').mean()"), per_month);
    assert_eq!(members("d.resample(time='YS').max()"), ["tas(time,lat,lon)", "flag(time,lat,lon)"]);
    assert_eq!(members("d.groupby('time.month').mean(['time','lat'])"), ["tas(month,lon)", "flag(month,lon)"]);
    assert_eq!(members("d[['flag','tas']].groupby('time.month').std()"), ["flag(month,lat,lon)", "tas(month,lat,lon)"]);
    assert!(error("d.resample(time='YS').first()").contains("'flag'"));
    assert!(error("d.groupby('time.month').mean('lat')").contains("'flag'"));
    let anomaly = "d.groupby('time.month')-d.groupby('time.month').mean()";
    assert_eq!(members(anomaly), ["tas(time,lat,lon)", "flag(time,lat,lon)"]);
    assert_eq!(members("d.groupby('time.month')-d.flag*d.time.dt.month.groupby('time.month').mean()")[1], "flag(time,lat,lon)");
    assert_eq!(members("d[['flag','tas']].groupby('time.month').mean()-d.groupby('time.month')").len(), 2);
}

#[test]
fn a_descending_dimension_keeps_its_order_in_groups() {
    assert_eq!(known("d.tas.groupby('lat').mean(...).lat"), [60.0, 20.0, -20.0, -60.0]);
    assert_eq!(known("d.tas.isel(lat=[1,0,2]).groupby('lat').mean(...).lat"), [-20.0, 20.0, 60.0]);
    assert_eq!(known("d.tas.isel(lat=[3,2,1]).groupby('lat').mean(...).lat"), [-60.0, -20.0, 20.0]);
}

#[test]
fn times_are_reduced_or_refused_and_never_dropped() {
    let with_time = "x=d.assign(when=d.time)";
    for text in ["mean('time')", "min()", "max('time')", "coarsen(time=12).mean()", "groupby('time.month').mean()", "interp(lat=[0,1])"] {
        let all = members(&format!("{with_time}\nx.{text}"));
        assert!(all.iter().any(|v| v.starts_with("when(")), "{text}: {all:?}");
    }
    assert!(matches!(array("d.time.mean()").0.cells, Cells::Times(_)));
    assert_eq!(array("d.time.count()").0.cells, Cells::Numbers);
    for text in ["sum('time')", "std()", "weighted(x.lat).mean('lat')", "where(x.lat>0)", "fillna(0)", "groupby('time.month').sum()"] {
        let e = error(&format!("{with_time}\nx.{text}"));
        assert!(e.contains("drop_vars('when')"), "{text}: {e}");
    }
    assert!(!error(&format!("{with_time}\nx.mean('tiem')")).contains("drop_vars"));
}

#[test]
fn no_cells_have_no_extremes() {
    assert!(error("d.tas.isel(lat=slice(0,0)).max()").contains("'lat' empty"));
    assert!(error("d.tas.isel(lat=slice(0,0)).argmin('lat')").contains("'lat' empty"));
    assert_eq!(shape("d.tas.isel(lat=slice(0,0)).min('lon')"), "time=24,lat=0 float32");
    assert_eq!(shape("d.tas.isel(lat=slice(0,0)).mean()"), " float32");
}

#[test]
fn what_xarray_refuses_is_refused() {
    assert!(error("d.tas.coarsen(time=4).sum(min_count=2)").contains("min_count"));
    assert!(error("d.weighted(d.lat).mean('time')").contains("'flag'"));
    assert!(error("m.tas.coarsen(time=7,boundary='pad').mean()").contains("calendar"));
    assert!(error("d.tas.interp(lat=xr.DataArray([1.,2.],dims='p'),lon=xr.DataArray([1.,2.],dims='p'))").contains("points"));
    let (a, _) = array("d.tas.coarsen(time=10,boundary='pad',coord_func='max').mean()");
    let Values::Times(t) = &**a.coords["time"].known().unwrap() else { panic!("no times") };
    assert_eq!((t.micros.len(), t.micros[2]), (3, i64::MIN), "a window that was filled up has no latest time");
}

#[test]
fn loc_selects_by_label() {
    assert_eq!(shape("d.tas.loc['2000-03']"), "time=1,lat=4,lon=6 float32");
    assert_eq!(shape("d.tas.loc[:,20]"), "time=24,lon=6 float32");
    assert_eq!(shape("d.tas.loc[...,60:180]"), "time=24,lat=4,lon=3 float32");
    assert_eq!(shape("d.loc[dict(lat=[20,60])].flag"), "lat=2,lon=6 int16");
    assert!(error("d.loc[20]").contains("dict"));
}

#[test]
fn datasets_sort_and_relabel_what_has_the_dimension() {
    let wrapped = "d.assign(row=d.flag.isel(lon=0,drop=True)).assign_coords(lon=(d.lon+180)%360-180).sortby('lon')";
    assert_eq!(members(wrapped), ["tas(time,lat,lon)", "flag(lat,lon)", "row(lat)"]);
    assert_eq!(known(&format!("{wrapped}.lon")), [-180.0, -120.0, -60.0, 0.0, 60.0, 120.0]);
    assert!(error("d.assign_coords(x=('nope',[1,2]))").contains("'nope'"));
}

#[test]
fn carets_stand_under_the_argument() {
    let under = |text: &str| error(text).lines().last().unwrap_or_default().trim().len();
    assert_eq!(under("d.tas.mean('tiem')"), "'tiem'".len());
    assert_eq!(under("d.tas.sel(lat=1,method='neerest')"), "method='neerest'".len());
    assert_eq!(under("d.tas.coarsen(time=4,boundary='ex').mean()"), "boundary='ex'".len());
    assert!(error("d.tas.sel(lat=20,mehod='nearest')").contains("did you mean 'method'"));
    let far = error("d.tas.sel(lat=21,method='nearest',tolerance=0.5)");
    assert!(far.contains("within 0.5") && !far.contains("method='nearest' takes"), "{far}");
}

#[test]
fn hostile_texts_are_refused() {
    assert!(error(&format!("d.tas{}", ".mean('time')".repeat(3))).contains("no dimension"));
    assert!(error("d.tas.expand_dims(k=9223372036854775807)").contains("too large"));
    assert!(error("[d.tas, 1, 'x'][7]").contains("out of bounds"));
    assert!(error("9223372036854775807+1").contains("overflow"));
}

/// Every example of the manual is accepted, and the manual tells of everything that is.
#[test]
fn the_manual_is_true_and_whole() {
    let entries: Vec<_> = crate::manual::entries().collect();
    for entry in &entries {
        if let Err(e) = run(entry.example) {
            panic!("{}: {e}", entry.example);
        }
    }
    let told: Vec<String> = entries.iter().flat_map(|e| e.names()).collect();
    let lacks = |name: &str| !told.iter().any(|t| t == name);
    let methods: Vec<&str> = super::calls::methods().into_iter().filter(|n| lacks(n)).collect();
    assert!(methods.is_empty(), "the manual does not tell of {methods:?}");
    let functions: Vec<String> = super::xr::FUNCTIONS.iter().map(|n| format!("xr.{n}")).filter(|n| lacks(n)).collect();
    assert!(functions.is_empty(), "the manual does not tell of {functions:?}");
    let known = super::calls::methods();
    let unknown: Vec<&String> = told.iter().filter(|t| !t.contains('.') && !known.contains(&t.as_str())).collect();
    let others = [&["loc", "dt", "first", "last", "calendar"], super::resample::UPSAMPLING, super::stack::METHODS].concat();
    let components = super::accessor::COMPONENTS;
    let unknown: Vec<_> = unknown.into_iter().filter(|t| !others.contains(&t.as_str()) && !components.contains(&t.as_str())).collect();
    assert!(unknown.is_empty(), "the manual tells of {unknown:?}, which do not exist");
}
