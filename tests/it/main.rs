//! The integration tests, one binary.

mod rundir;
mod support;
