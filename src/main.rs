//! Parse the arguments, call a command, turn its outcome into an exit code.

fn main() {}
