//! The `clockfit` command: everything happens in [`clockfit::cli`].

fn main() {}
