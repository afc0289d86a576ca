//! Against numbers of cftime 1.6.6.1, and of xarray 2026.9.0 for the spellings.
#![allow(clippy::unwrap_used)]

use super::*;

/// Units, value, year to microsecond, day of the year, day of the week.
type Row = (&'static str, f64, [i64; 7], u32, u32);

#[rustfmt::skip]
const TABLE: &[(&str, &[Row])] = &[
("standard", &[
    ("days since 1970-01-01", 0.0, [1970, 1, 1, 0, 0, 0, 0], 1, 3),
    ("days since 1970-01-01", 59.0, [1970, 3, 1, 0, 0, 0, 0], 60, 6),
    ("days since 1970-01-01", -719000.0, [1, 6, 14, 0, 0, 0, 0], 165, 1),
    ("days since 1970-01-01", -141428.0, [1582, 10, 4, 0, 0, 0, 0], 277, 3),
    ("days since 1582-10-01", 20.0, [1582, 10, 31, 0, 0, 0, 0], 304, 6),
    ("hours since 1900-01-01 00:00:0.0", 1000000.0, [2014, 1, 29, 16, 0, 0, 0], 29, 2),
    ("days since 0001-01-01", 577000.0, [1580, 9, 28, 0, 0, 0, 0], 272, 2),
    ("seconds since 2000-02-28 23:59:59", 86401.0, [2000, 3, 1, 0, 0, 0, 0], 61, 2),
    ("days since 1850-01-01", 60000.75, [2014, 4, 11, 18, 0, 0, 0], 101, 4),
    ("minutes since 1999-12-30 12:00", 525600.5, [2000, 12, 29, 12, 0, 30, 0], 364, 4),
    ("days since 2000-01-01", -1.0, [1999, 12, 31, 0, 0, 0, 0], 365, 4),
    ("days since 4000-02-28", 1.0, [4000, 2, 29, 0, 0, 0, 0], 60, 1),
]),
("proleptic_gregorian", &[
    ("days since 1970-01-01", 0.0, [1970, 1, 1, 0, 0, 0, 0], 1, 3),
    ("days since 1970-01-01", 59.0, [1970, 3, 1, 0, 0, 0, 0], 60, 6),
    ("days since 1970-01-01", -719000.0, [1, 6, 12, 0, 0, 0, 0], 163, 1),
    ("days since 1970-01-01", -141428.0, [1582, 10, 14, 0, 0, 0, 0], 287, 3),
    ("days since 1582-10-01", 20.0, [1582, 10, 21, 0, 0, 0, 0], 294, 3),
    ("hours since 1900-01-01 00:00:0.0", 1000000.0, [2014, 1, 29, 16, 0, 0, 0], 29, 2),
    ("days since 0001-01-01", 577000.0, [1580, 10, 10, 0, 0, 0, 0], 284, 4),
    ("seconds since 2000-02-28 23:59:59", 86401.0, [2000, 3, 1, 0, 0, 0, 0], 61, 2),
    ("days since 1850-01-01", 60000.75, [2014, 4, 11, 18, 0, 0, 0], 101, 4),
    ("minutes since 1999-12-30 12:00", 525600.5, [2000, 12, 29, 12, 0, 30, 0], 364, 4),
    ("days since 2000-01-01", -1.0, [1999, 12, 31, 0, 0, 0, 0], 365, 4),
    ("days since 4000-02-28", 1.0, [4000, 2, 29, 0, 0, 0, 0], 60, 1),
]),
("julian", &[
    ("days since 1970-01-01", 0.0, [1970, 1, 1, 0, 0, 0, 0], 1, 2),
    ("days since 1970-01-01", 59.0, [1970, 3, 1, 0, 0, 0, 0], 60, 5),
    ("days since 1970-01-01", -719000.0, [1, 6, 27, 0, 0, 0, 0], 178, 0),
    ("days since 1970-01-01", -141428.0, [1582, 10, 17, 0, 0, 0, 0], 290, 2),
    ("days since 1582-10-01", 20.0, [1582, 10, 21, 0, 0, 0, 0], 294, 6),
    ("hours since 1900-01-01 00:00:0.0", 1000000.0, [2014, 1, 28, 16, 0, 0, 0], 28, 0),
    ("days since 0001-01-01", 577000.0, [1580, 9, 28, 0, 0, 0, 0], 272, 2),
    ("seconds since 2000-02-28 23:59:59", 86401.0, [2000, 3, 1, 0, 0, 0, 0], 61, 1),
    ("days since 1850-01-01", 60000.75, [2014, 4, 10, 18, 0, 0, 0], 100, 2),
    ("minutes since 1999-12-30 12:00", 525600.5, [2000, 12, 29, 12, 0, 30, 0], 364, 3),
    ("days since 2000-01-01", -1.0, [1999, 12, 31, 0, 0, 0, 0], 365, 3),
    ("days since 4000-02-28", 1.0, [4000, 2, 29, 0, 0, 0, 0], 60, 1),
]),
("noleap", &[
    ("days since 1970-01-01", 0.0, [1970, 1, 1, 0, 0, 0, 0], 1, 3),
    ("days since 1970-01-01", 59.0, [1970, 3, 1, 0, 0, 0, 0], 60, 6),
    ("days since 1970-01-01", -719000.0, [0, 2, 20, 0, 0, 0, 0], 51, 1),
    ("days since 1970-01-01", -141428.0, [1582, 7, 12, 0, 0, 0, 0], 193, 3),
    ("days since 1582-10-01", 20.0, [1582, 10, 21, 0, 0, 0, 0], 294, 6),
    ("hours since 1900-01-01 00:00:0.0", 1000000.0, [2014, 2, 26, 16, 0, 0, 0], 57, 5),
    ("days since 0001-01-01", 577000.0, [1581, 10, 28, 0, 0, 0, 0], 301, 5),
    ("seconds since 2000-02-28 23:59:59", 86401.0, [2000, 3, 2, 0, 0, 0, 0], 61, 2),
    ("days since 1850-01-01", 60000.75, [2014, 5, 21, 18, 0, 0, 0], 141, 5),
    ("minutes since 1999-12-30 12:00", 525600.5, [2000, 12, 30, 12, 0, 30, 0], 364, 4),
    ("days since 2000-01-01", -1.0, [1999, 12, 31, 0, 0, 0, 0], 365, 4),
    ("days since 4000-02-28", 1.0, [4000, 3, 1, 0, 0, 0, 0], 60, 6),
]),
("all_leap", &[
    ("days since 1970-01-01", 0.0, [1970, 1, 1, 0, 0, 0, 0], 1, 6),
    ("days since 1970-01-01", 59.0, [1970, 2, 29, 0, 0, 0, 0], 60, 2),
    ("days since 1970-01-01", -719000.0, [5, 7, 9, 0, 0, 0, 0], 191, 4),
    ("days since 1970-01-01", -141428.0, [1583, 8, 2, 0, 0, 0, 0], 215, 6),
    ("days since 1582-10-01", 20.0, [1582, 10, 21, 0, 0, 0, 0], 295, 0),
    ("hours since 1900-01-01 00:00:0.0", 1000000.0, [2013, 11, 4, 16, 0, 0, 0], 309, 1),
    ("days since 0001-01-01", 577000.0, [1577, 7, 3, 0, 0, 0, 0], 185, 6),
    ("seconds since 2000-02-28 23:59:59", 86401.0, [2000, 3, 1, 0, 0, 0, 0], 61, 0),
    ("days since 1850-01-01", 60000.75, [2013, 12, 8, 18, 0, 0, 0], 343, 0),
    ("minutes since 1999-12-30 12:00", 525600.5, [2000, 12, 29, 12, 0, 30, 0], 364, 2),
    ("days since 2000-01-01", -1.0, [1999, 12, 31, 0, 0, 0, 0], 366, 2),
    ("days since 4000-02-28", 1.0, [4000, 2, 29, 0, 0, 0, 0], 60, 2),
]),
("360_day", &[
    ("days since 1970-01-01", 0.0, [1970, 1, 1, 0, 0, 0, 0], 1, 2),
    ("days since 1970-01-01", 59.0, [1970, 2, 30, 0, 0, 0, 0], 60, 5),
    ("days since 1970-01-01", -719000.0, [-28, 10, 11, 0, 0, 0, 0], 281, 0),
    ("days since 1970-01-01", -141428.0, [1577, 2, 23, 0, 0, 0, 0], 53, 2),
    ("days since 1582-10-01", 20.0, [1582, 10, 21, 0, 0, 0, 0], 291, 3),
    ("hours since 1900-01-01 00:00:0.0", 1000000.0, [2015, 9, 27, 16, 0, 0, 0], 267, 4),
    ("days since 0001-01-01", 577000.0, [1603, 10, 11, 0, 0, 0, 0], 281, 0),
    ("seconds since 2000-02-28 23:59:59", 86401.0, [2000, 2, 30, 0, 0, 0, 0], 60, 4),
    ("days since 1850-01-01", 60000.75, [2016, 9, 1, 18, 0, 0, 0], 241, 2),
    ("minutes since 1999-12-30 12:00", 525600.5, [2001, 1, 5, 12, 0, 30, 0], 5, 1),
    ("days since 2000-01-01", -1.0, [1999, 12, 30, 0, 0, 0, 0], 360, 0),
    ("days since 4000-02-28", 1.0, [4000, 2, 29, 0, 0, 0, 0], 59, 4),
]),
];

fn fields(c: Civil) -> [i64; 7] {
    [c.year, c.month as i64, c.day as i64, c.hour as i64, c.minute as i64, c.second as i64, c.micro as i64]
}

#[test]
fn every_calendar_counts_as_cftime() {
    for (name, rows) in TABLE {
        let calendar = Calendar::parse(name).unwrap();
        assert_eq!(calendar.name(), *name);
        for (text, value, want, day_of_year, weekday) in *rows {
            let units = TimeUnits::parse(text, calendar).unwrap();
            let micros = decode(&Encoded::Floats(vec![*value]), units, calendar).unwrap()[0];
            let civil = calendar.civil(micros);
            assert_eq!(fields(civil), *want, "{value} {text} in {name}");
            assert_eq!(calendar.day_of_year(civil), *day_of_year, "{civil:?} in {name}");
            assert_eq!(calendar.weekday(micros), *weekday, "{civil:?} in {name}");
            assert_eq!(calendar.micros(civil), Ok(micros));
        }
    }
}

#[test]
fn days_follow_one_another() {
    for name in ["standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day"] {
        let calendar = Calendar::parse(name).unwrap();
        let mut before = calendar.civil(-800_001 * DAY);
        for day in -800_000..400_000i64 {
            let date = calendar.civil(day * DAY);
            let gap = name == "standard" && (date.year, date.month, date.day) == (1582, 10, 15);
            let next = if gap {
                (1582, 10, 15)
            } else if before.day < calendar.days_in_month(before.year, before.month) {
                (before.year, before.month, before.day + 1)
            } else if before.month < 12 {
                (before.year, before.month + 1, 1)
            } else {
                (before.year + 1, 1, 1)
            };
            assert_eq!((date.year, date.month, date.day), next, "{name}");
            assert_eq!(calendar.micros(date), Ok(day * DAY));
            before = date;
        }
    }
}

#[test]
fn spellings_are_those_of_xarray() {
    let both = [Calendar::Standard, Calendar::NoLeap];
    let text = |units: &str, calendar| {
        TimeUnits::parse(units, calendar)
            .and_then(|u| decode(&Encoded::Floats(vec![1.5]), u, calendar))
            .map(|m| fields(calendar.civil(m[0])))
    };
    for calendar in both {
        for (units, want) in [
            ("Days Since 2000-01-01", [2000, 1, 2, 12, 0, 0, 0]),
            ("days since 1-1-1", [1, 1, 2, 12, 0, 0, 0]),
            ("days since 1850-01-01T00:00", [1850, 1, 2, 12, 0, 0, 0]),
            ("hours since 2000-01-01 00:00:00 UTC", [2000, 1, 1, 1, 30, 0, 0]),
            ("hours since 2000-01-01 00:00:00 +01:00", [2000, 1, 1, 0, 30, 0, 0]),
            ("hours since 2000-01-01T00:00:00Z", [2000, 1, 1, 1, 30, 0, 0]),
            ("h since 2000-01-01", [2000, 1, 1, 1, 30, 0, 0]),
            ("hrs since 2000-01-01", [2000, 1, 1, 1, 30, 0, 0]),
            ("msecs since 2000-1-1", [2000, 1, 1, 0, 0, 0, 1500]),
            ("min since 2000-01-01", [2000, 1, 1, 0, 1, 30, 0]),
            ("seconds since 2000-01-01 0:0:0", [2000, 1, 1, 0, 0, 1, 500_000]),
        ] {
            assert_eq!(text(units, calendar), Ok(want), "{units}");
        }
        for units in [
            "weeks since 2000-01-01",
            "months since 2000-01-01",
            "years since 2000-01-01",
            "days since 0",
            "days since 2000-00-01",
            "us since 2000-01-01",
            "ns since 2000-01-01",
            "days since 2000-02-30",
            "days since 2000-1-1 24:00:00",
            "days as %Y%m%d.%f",
            "day",
        ] {
            let why = TimeUnits::parse(units, calendar).unwrap_err().to_string();
            assert!(why.contains("decode_times=false"), "{why}");
        }
    }
    assert_eq!(text("months since 2000-01-01", Calendar::Day360), Ok([2000, 2, 16, 0, 0, 0, 0]));
    assert_eq!(text("common_years since 2000-01-01", Calendar::NoLeap), Ok([2001, 7, 2, 12, 0, 0, 0]));
    assert_eq!(text("days since -4712-01-01", Calendar::Standard), Ok([-4711, 1, 2, 12, 0, 0, 0]));
    assert!(text("days since 0000-01-01", Calendar::Standard).is_err());
    assert!(text("days since 2000-01-01 12", Calendar::NoLeap).is_err());
}

#[test]
fn missing_and_monstrous_numbers() {
    let units = TimeUnits::parse("days since 2000-01-01", Calendar::Standard).unwrap();
    assert_eq!(decode(&Encoded::Floats(vec![f64::NAN]), units, Calendar::Standard), Ok(vec![NAT]));
    assert_eq!(decode(&Encoded::Integers(vec![i64::MIN]), units, Calendar::Standard), Ok(vec![NAT]));
    for monster in [Encoded::Floats(vec![1e300]), Encoded::Floats(vec![f64::INFINITY]), Encoded::Integers(vec![i64::MAX])] {
        assert!(decode(&monster, units, Calendar::Standard).is_err());
    }
}
