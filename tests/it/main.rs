//! The integration tests, one binary.

mod rundir;
mod sample_run;
mod support;
