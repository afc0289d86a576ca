//! What the demonstration tells in the end: who read what, what crossed the links, and what it would have been otherwise.
//!
//! In: receipts and counters. Out: a text of aligned columns. Never a number that was not counted, but for those called predicted or estimated.

use super::fleet::RegionSpec;
use super::job::HOME;
use crate::receipt::Receipt;
use crate::wan::Carried;
use std::fmt::Write;

/// What the text is made from.
pub struct Account<'a> {
    /// The run's own receipt.
    pub receipt: &'a Receipt,
    /// Each region's link and engines, and what crossed it.
    pub links: Vec<(&'a RegionSpec, usize, Carried)>,
    /// Files that were written, and their bytes.
    pub written: &'a [(String, u64)],
}

/// The account as a text.
pub fn text(account: &Account<'_>) -> String {
    let receipt = account.receipt;
    let sections = [
        ("Read where it lies", read(account)),
        ("Over the links, as counted by the proxies", crossed(account)),
        ("Had the data been pulled instead (estimated)", pulled(account)),
    ];
    let mut text = String::new();
    for (title, rows) in sections {
        // A String takes whatever is written to it.
        let _ = writeln!(text, "{title}\n{}", table(&rows));
    }
    for (path, bytes) in account.written {
        let _ = writeln!(text, "wrote    {path} ({})", size(*bytes));
    }
    let _ = writeln!(text, "total    {:.2} s, from the plan to the last answer", receipt.wall_seconds);
    let _ = writeln!(text, "sha256   {} (of the result's cells)", receipt.result_sha256);
    text
}

type Row = Vec<String>;

fn row<const N: usize>(cells: [&str; N]) -> Row {
    cells.map(str::to_owned).into()
}

fn read(account: &Account<'_>) -> Vec<Row> {
    let mut rows =
        vec![row(["region", "engines", "dataset", "files", "chunks", "stored", "decoded", "seconds", "decoded MB/s", "asked again"])];
    for (spec, engines, _) in &account.links {
        let datasets = || account.receipt.datasets.iter().filter(|d| d.region == spec.name);
        let names = datasets().map(|d| d.name.as_str()).collect::<Vec<_>>().join(", ");
        let files: u64 = datasets().map(|d| d.files).sum();
        let Some(r) = account.receipt.regions.get(&spec.name) else { continue };
        let rate = r.decoded_bytes as f64 / 1e6 / r.wall_seconds.max(1e-9);
        rows.push(vec![
            spec.name.clone(),
            engines.to_string(),
            names,
            files.to_string(),
            r.chunks.to_string(),
            size(r.read_bytes),
            size(r.decoded_bytes),
            format!("{:.2}", r.wall_seconds),
            format!("{rate:.0}"),
            r.retries.to_string(),
        ]);
    }
    rows
}

fn crossed(account: &Account<'_>) -> Vec<Row> {
    let mut rows = vec![row(["link", "RTT", "Mbit/s", "partials, predicted", "to home", "from home", "of predicted", "USD"])];
    let mut total = (0, 0, 0, 0.0);
    for (spec, _, carried) in &account.links {
        let predicted = account.receipt.links.iter().filter(|l| l.from == spec.name).map(|l| l.predicted_bytes).sum::<u64>();
        let (home, away) = (carried.from_target_bytes, carried.to_target_bytes);
        let usd = (home + away) as f64 / 1e9 * spec.usd_per_gb;
        total = (total.0 + predicted, total.1 + home, total.2 + away, total.3 + usd);
        rows.push(vec![
            format!("{} - {HOME}", spec.name),
            format!("{} ms", spec.rtt_ms),
            spec.bandwidth_mbit.to_string(),
            size(predicted),
            size(home),
            size(away),
            share(home + away, predicted),
            price(usd),
        ]);
    }
    rows.push(vec![
        "total".into(),
        String::new(),
        String::new(),
        size(total.0),
        size(total.1),
        size(total.2),
        share(total.1 + total.2, total.0),
        price(total.3),
    ]);
    rows
}

fn pulled(account: &Account<'_>) -> Vec<Row> {
    let mut rows = vec![row(["link", "stored bytes", "seconds on the link", "USD", "times the bytes"])];
    let mut total = (0, 0, 0f64, 0.0);
    for (spec, _, carried) in &account.links {
        let bytes = account.receipt.regions.get(&spec.name).map_or(0, |r| r.read_bytes);
        let seconds = bytes as f64 * 8.0 / (spec.bandwidth_mbit * 1e6) + spec.rtt_ms / 1e3;
        let usd = bytes as f64 / 1e9 * spec.usd_per_gb;
        let sent = carried.from_target_bytes + carried.to_target_bytes;
        // Both links are pulled over at once.
        total = (total.0 + bytes, total.1 + sent, total.2.max(seconds), total.3 + usd);
        rows.push(vec![format!("{} - {HOME}", spec.name), size(bytes), format!("{seconds:.2}"), price(usd), times(bytes, sent)]);
    }
    rows.push(vec!["total".into(), size(total.0), format!("{:.2}", total.2), price(total.3), times(total.0, total.1)]);
    rows
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".into() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

fn times(a: u64, b: u64) -> String {
    if b == 0 { "-".into() } else { format!("{:.0}", a as f64 / b as f64) }
}

fn price(usd: f64) -> String {
    format!("{usd:.6}")
}

/// Bytes in decimal units, as links and prices count them.
fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} MB", bytes as f64 / 1e6),
        _ => format!("{:.3} GB", bytes as f64 / 1e9),
    }
}

/// Rows of equal length, the first column aligned left and the others right.
fn table(rows: &[Row]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Row| {
        let cells =
            row.iter().zip(&widths).enumerate().map(|(c, (cell, &w))| if c == 0 { format!("{cell:<w$}") } else { format!("{cell:>w$}") });
        format!("  {}\n", cells.collect::<Vec<_>>().join("   ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = vec![row(["a", "bytes"]), row(["long name", "7 B"])];
        assert_eq!(table(&rows), "  a           bytes\n  long name     7 B\n");
        assert_eq!([size(999), size(1_500), size(2_340_000), size(5_000_000_000)], ["999 B", "1.5 kB", "2.34 MB", "5.000 GB"]);
    }
}
