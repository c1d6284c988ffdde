//! POP3 and IMAP side by side on a real server. The rooms stand in the order in which data flows.

/// The subcommands: what each takes and what it prints.
pub mod cli;

/// The scenario file: text in, a checked [`scenario::Scenario`] out.
pub mod scenario;

/// Scenario, seed and shard in; who does what when, out.
pub mod plan;

/// POP3, IMAP, LMTP and SMTP as state machines over bytes, both ends of the wire.
pub mod proto;

/// The wire: dial, TLS, counted bytes, time limits.
pub mod net;

/// `proto` on `net`: one POP3 session, one IMAP session, one delivery session, each command timed.
pub mod client;

/// Carries a plan out: workers, devices and their stores, phases, stop.
pub mod engine;

/// What is seen from outside a session: the server's resources, the generator's own, the machine.
pub mod probe;

/// Operations, error classes, histograms, and the rows that a run leaves.
pub mod metrics;

/// What is measured against: the embedded server, a private Dovecot.
pub mod target;

/// The one format on disk: write it, read it.
pub mod rundir;

/// From run directories to verdicts.
pub mod judge;

/// From verdicts to tables, charts and pages.
pub mod report;

/// The embedded POP3 + IMAP + LMTP server.
pub mod mailserver;

/// Exit codes: what the process tells its caller.
pub mod exit;
