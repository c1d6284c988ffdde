//! Who is there: passwords checked for all protocols in one place.

use std::sync::Arc;

use super::server::Shared;
use super::store::User;

/// A successful login's mailboxes, or None if name or password is wrong or logins are refused.
pub(super) fn with_password(shared: &Shared, user: &str, password: &[u8]) -> Option<Arc<User>> {
    check(shared, user, |right| right.as_bytes() == password)
}

/// The same by a proof that the client knows the password.
pub(super) fn check(
    shared: &Shared,
    user: &str,
    proves: impl FnOnce(&str) -> bool,
) -> Option<Arc<User>> {
    if shared.config.faults.refuse_logins {
        return None;
    }
    let right = shared.config.accounts.password(user)?;
    proves(right)
        .then(|| shared.store.user(user).cloned())
        .flatten()
}

/// The parts of a SASL PLAIN response (RFC 4616): user and password. An authorization identity other than
/// the user is refused.
pub(super) fn plain(response: &[u8]) -> Option<(&str, &[u8])> {
    let mut parts = response.splitn(3, |&byte| byte == 0);
    let authorization = parts.next()?;
    let user = std::str::from_utf8(parts.next()?).ok()?;
    let password = parts.next()?;
    (authorization.is_empty() || authorization == user.as_bytes()).then_some((user, password))
}
