//! The program itself, in processes of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use xeng_proto::Region;
use xeng_proto::grpc::GrpcRegion;

/// What a run of the program said.
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    code: Option<i32>,
}

impl Output {
    pub(crate) fn of(out: std::process::Output) -> Output {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Output { stdout: text(out.stdout), stderr: text(out.stderr), code: out.status.code() }
    }

    pub(crate) fn succeeded(self) -> Output {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// It ended with this code, and told why in a few lines without a backtrace.
    pub(crate) fn failed(self, code: i32) -> Output {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(!self.stderr.trim().is_empty() && !self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

/// Runs the program to its end.
pub(crate) fn xeng(args: &[&str]) -> Output {
    xeng_in(args, &[])
}

/// Runs the program to its end, in an environment of these variables besides its own.
pub(crate) fn xeng_in(args: &[&str], environment: &[(String, String)]) -> Output {
    Output::of(start_in(args, environment).wait_with_output().unwrap())
}

/// The program, with a cache folder that is not the user's.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xeng"));
    command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command
}

/// Starts the program in such an environment.
pub(crate) fn start_in(args: &[&str], environment: &[(String, String)]) -> Child {
    let mut command = program();
    command.args(args).envs(environment.iter().cloned()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// As [`start_in`], on a disk that is full for files of more than half a MiB: writing more fails after the first part.
pub(crate) fn start_on_full_disk(args: &[&str], environment: &[(String, String)]) -> Child {
    let mut command = Command::new("sh");
    // Ignored, the signal of the limit becomes an error of the write.
    command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command.args(["-c", "trap '' XFSZ; ulimit -f 500; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_xeng")]);
    command.args(args).envs(environment.iter().cloned()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// A region engine in a process of its own.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    region: String,
    options: Vec<String>,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts an engine that listens at an address; port 0 is any that is free.
    pub(crate) fn start(region: &str, listen: &str) -> Server {
        Server::start_with(region, listen, &[])
    }

    /// As [`Server::start`], with further options.
    pub(crate) fn start_with(region: &str, listen: &str, options: &[&str]) -> Server {
        let mut process = program()
            .args(["serve", "--region", region, "--listen", listen, "--threads", "1"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let endpoint =
            first.split_whitespace().find(|w| w.starts_with("http://")).unwrap_or_else(|| panic!("no address: {first}")).to_owned();
        // Whoever says more is read to the end, lest it wait for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let options = options.iter().map(|&o| o.to_owned()).collect();
        Server { endpoint, region: region.to_owned(), options, process }
    }

    /// `kill -9`, and a new process at the same address.
    pub(crate) fn killed_and_started_again(mut self) -> Server {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let address = self.endpoint.trim_start_matches("http://").to_owned();
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        Server::start_with(&self.region, &address, &options)
    }

    /// Number of fragments under way.
    pub(crate) fn active(&self) -> u32 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let began = Instant::now();
        runtime.block_on(async {
            let region = GrpcRegion::connect(&self.endpoint, "engine").unwrap();
            loop {
                match region.status().await {
                    Ok(status) => return status.active,
                    Err(e) => assert!(began.elapsed() < Duration::from_secs(5), "{e}"),
                }
            }
        })
    }
}
