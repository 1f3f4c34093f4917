//! The `clockfit` command: everything happens in [`clockfit::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    clockfit::cli::main()
}
