//! The command line: arguments in, an exit code out.
//!
//! In: what the user typed. Out: results on stdout, errors on stderr, an exit code. Never a backtrace for a user's mistake.

pub mod args;
mod cache;
mod demo;
mod eval;
mod explain;
mod gateway;
mod info;
pub(crate) mod inputs;
mod progress;
mod run_plan;
mod serve;
mod setup;
mod stores;
mod style;

use crate::error::{Error, Result};
use args::{Cli, Command};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// Runs the command that the arguments ask for; the first argument is the program's name.
///
/// Exit codes: 0 done, 2 wrong request, 3 bad data, 4 unreachable or our defect, 5 over budget.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            // A closed pipe behind `xeng --help | head` is no failure.
            let _ = usage.print();
            return ExitCode::from(if usage.use_stderr() { 2 } else { 0 });
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}", error.render(columns()));
            ExitCode::from(error.exit_code())
        }
    }
}

/// The width that errors are fitted to: that of the terminal, or 100 where stderr is none.
fn columns() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(crate::error::DEFAULT_COLUMNS, |(width, _)| usize::from(width.0))
}

/// Writes a result to stdout; a reader that went away (`| head`) ends the output without an error.
///
/// # Errors
/// `Internal` when stdout cannot be written for any other reason.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::internal("stdout cannot be written").caused_by(e)),
        _ => Ok(()),
    }
}

/// What a command does, or a name of the expression language.
fn help(names: &[String]) -> Result<()> {
    let mut cli = <Cli as clap::CommandFactory>::command();
    if let [name] = names
        && let Some(command) = cli.find_subcommand_mut(name)
    {
        return print(&command.render_long_help().to_string());
    }
    print(&crate::manual::help(names).map_err(Error::request)?)
}

fn dispatch(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Error::unavailable("the system gives no threads").caused_by(e))?;
    let done = runtime.block_on(async {
        match cli.command {
            Command::Eval(args) => eval::eval(args).await,
            Command::Run(args) => run_plan::run(args).await,
            Command::Explain(args) => explain::explain(args).await,
            Command::Info(args) => info::info(args).await,
            Command::Serve(args) => serve::serve(args).await,
            Command::Cache(args) => cache::cache(&args),
            Command::Demo(args) => demo::demo(args).await,
            Command::Help(args) => help(&args.names),
        }
    });
    // Work that nobody waits for any more must not keep the program alive.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }
}
