//! Sizes such as `2GiB` and durations such as `15min`.
//!
//! In: text. Out: bytes or a [`Duration`]. Never rounds up: a part of a byte is dropped.

use crate::error::{Error, Result};
use std::time::Duration;

/// Bytes of `1048576`, `100MB` (10^6) or `1.5GiB` (2^30).
///
/// # Errors
/// `Request` for anything else, negative numbers, and more than 2^63 bytes.
pub fn bytes(text: &str) -> Result<u64> {
    let units: [(&str, f64); 14] = [
        ("", 1.0),
        ("b", 1.0),
        ("kb", 1e3),
        ("mb", 1e6),
        ("gb", 1e9),
        ("tb", 1e12),
        ("pb", 1e15),
        ("k", 1024.0),
        ("kib", 1024.0),
        ("mib", 1048576.0),
        ("gib", 1073741824.0),
        ("tib", 1099511627776.0),
        ("m", 1048576.0),
        ("g", 1073741824.0),
    ];
    match scaled(text, &units) {
        Some(value) if value < 9.2e18 => Ok(value as u64),
        _ => Err(Error::request(format!("'{text}' is no size"))
            .hint("write bytes, or a number with kB, MB, GB, KiB, MiB, GiB or TiB, such as 2GiB")),
    }
}

/// The duration of `90` (seconds), `500ms`, `15min`, `2h` or `1d`.
///
/// # Errors
/// `Request` for anything else, negative numbers, and more than a thousand years.
pub fn duration(text: &str) -> Result<Duration> {
    let units: [(&str, f64); 8] =
        [("", 1.0), ("s", 1.0), ("sec", 1.0), ("ms", 1e-3), ("min", 60.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)];
    match scaled(text, &units) {
        Some(seconds) if seconds < 3.2e10 => Ok(Duration::from_secs_f64(seconds)),
        _ => {
            Err(Error::request(format!("'{text}' is no duration"))
                .hint("write seconds, or a number with ms, s, min, h or d, such as 15min"))
        }
    }
}

fn scaled(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let number: f64 = text[..split].replace('_', "").parse().ok()?;
    let unit = text[split..].trim().to_ascii_lowercase();
    units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| number * scale)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_have_units_of_ten_and_of_two() {
        let table = [
            ("1048576", 1 << 20),
            ("100MB", 100_000_000),
            ("1.5GiB", 3 << 29),
            (" 2 gib ", 2 << 30),
            ("1_000", 1000),
            ("0.9", 0),
            ("4k", 4096),
        ];
        for (text, size) in table {
            assert_eq!(bytes(text).unwrap(), size, "{text}");
        }
        for text in ["", "GiB", "-1", "1e3", "nan", "inf", "2 GiB 3", "1..2", "9999999TiB", "1 light"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_units() {
        let table = [("90", 90_000), ("500ms", 500), ("15min", 900_000), ("2h", 7_200_000), ("1d", 86_400_000), ("1.5 s", 1_500)];
        for (text, millis) in table {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for text in ["", "h", "-1s", "1w", "99999999999999d", "15 min 3"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
