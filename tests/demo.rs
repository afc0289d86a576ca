//! The demonstration as its users run it: real processes, real sockets, real accidents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Two months; large enough that an engine can be killed in the middle of the run.
const GIGABYTES: &str = "0.2";

fn demo(cache: &Path, folder: &str, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xeng"));
    command
        .env("XDG_CACHE_HOME", cache)
        .args(["demo", "--json", "--gigabytes", GIGABYTES, "--folder"])
        .arg(cache.join(folder))
        .args(options);
    command
}

/// The receipt of a run that succeeds.
fn receipt(cache: &Path, options: &[&str]) -> serde_json::Value {
    let done = demo(cache, "out", options).output().unwrap();
    assert!(done.status.success(), "{options:?}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn assert_within_prediction(receipt: &serde_json::Value) {
    for link in receipt["links"].as_array().unwrap() {
        let bytes = |key: &str| link[key].as_u64().unwrap();
        assert!(bytes("received_bytes") + bytes("sent_bytes") <= bytes("predicted_bytes") * 11 / 10, "{link}");
    }
}

/// Whether an engine over data in `cache` runs; a zombie has no command line.
fn engines_run(cache: &Path) -> bool {
    let root = cache.to_string_lossy().into_owned();
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    lines.map(|l| String::from_utf8_lossy(&l).into_owned()).any(|l| l.contains("\0serve\0") && l.contains(&root))
}

fn wait_until(what: &str, most: Duration, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < most, "waited {most:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills a process that a failed test would leave behind.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_result_is_the_same_whoever_computes_it_and_nothing_is_left_behind() {
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path();
    let first = receipt(cache, &["--threads", "1"]);
    let sha256 = first["result_sha256"].as_str().unwrap();
    assert_within_prediction(&first);
    let shared = receipt(cache, &["--engines", "2", "--threads", "2"]);
    assert_eq!(shared["result_sha256"], sha256);
    assert_within_prediction(&shared);
    let killed = receipt(cache, &["--threads", "1", "--kill"]);
    assert_eq!(killed["result_sha256"], sha256);
    assert!(killed["regions"]["us-east-1"]["retries"].as_u64().unwrap() > 0, "no engine was killed: {killed}");
    assert!(std::fs::read(cache.join("out/difference.png")).unwrap().starts_with(b"\x89PNG"));
    if cfg!(target_os = "linux") {
        wait_until("engines to end with their run", Duration::from_secs(5), || !engines_run(cache));
        let home = demo(cache, "killed", &["--keep-running"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let home = Killed(home);
        wait_until("engines to start", Duration::from_secs(60), || engines_run(cache));
        drop(home);
        wait_until("engines to end with a killed home", Duration::from_secs(5), || !engines_run(cache));
    }
}

#[test]
fn files_of_others_are_not_replaced() {
    let cache = tempfile::tempdir().unwrap();
    std::fs::create_dir(cache.path().join("out")).unwrap();
    std::fs::write(cache.path().join("out/difference.nc"), "mine").unwrap();
    let refused = demo(cache.path(), "out", &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--folder"));
    assert_eq!(std::fs::read(cache.path().join("out/difference.nc")).unwrap(), b"mine");
}
