//! The integration tests, one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may; clippy knows it of test functions, not of their helpers"
)]

mod browser;
mod capacity;
mod capture;
mod cgroup;
mod clients;
mod compare;
mod consistency;
mod crossover;
mod delivery;
mod docker;
mod external;
mod fake;
mod gates;
mod generated_mail;
mod imap;
mod mailserver;
mod network;
mod other_servers;
mod pop3;
mod private;
mod probe;
mod python_clients;
mod readme;
mod regress;
mod report;
mod rundir;
mod sample_run;
mod sample_search;
mod sasl;
mod scenario;
mod serve;
mod several;
mod support;
mod traced;
mod wire;
