//! What the server does wrong on purpose, for tests of clients and of the whole program.

/// All off in a healthy server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Each login is answered as if the password were wrong.
    pub refuse_logins: bool,
}
