//! `chartwell`: the server and its tools.

use std::process::ExitCode;

use chartwell::cli::Command;
use clap::Parser;

/// An electronic health record backend.
#[derive(Parser)]
#[command(name = "chartwell", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match chartwell::cli::run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            chartwell::cli::complain(&error);
            ExitCode::FAILURE
        }
    }
}
