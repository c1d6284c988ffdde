//! Keys of SCRAM, which cost thousands of hashes to derive: kept, as RFC 5802 (section 5.1) allows, so that a client that
//! logs in often pays once.

use std::fmt;
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// An SHA-256 hash, or a key of that length.
pub(super) type Hash = [u8; 32];

/// What both sides know of a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) client: Hash,
    pub(super) server: Hash,
}

impl Keys {
    /// `Hi`, `ClientKey` and `ServerKey` of RFC 5802, section 3.
    fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
        // What SASLprep forbids is taken as it is, as other clients do: the server may have done so too.
        let prepared = stringprep::saslprep(password).unwrap_or(password.into());
        let mut salted = Hash::default();
        // Hashing to a length that is the hash's own cannot fail.
        let _ = pbkdf2::pbkdf2::<Hmac<Sha256>>(prepared.as_bytes(), salt, iterations, &mut salted);
        Self {
            client: hmac(&salted, b"Client Key"),
            server: hmac(&salted, b"Server Key"),
        }
    }
}

pub(super) fn hmac(key: &Hash, message: &[u8]) -> Hash {
    // A key of the hash's length is shorter than its block, so it always fits.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

pub(super) fn hash(message: &[u8]) -> Hash {
    Sha256::digest(message).into()
}

/// The keys of one password for the salt that its server named last. Clones share them.
#[derive(Clone, Default)]
pub struct KeyCache(Arc<Mutex<Option<Known>>>);

struct Known {
    salt: Vec<u8>,
    iterations: u32,
    keys: Keys,
}

impl KeyCache {
    /// The keys of `password`, which must be the same each time.
    pub(super) fn keys(&self, password: &str, salt: &[u8], iterations: u32) -> Keys {
        let known = self.0.lock();
        if let Ok(Some(known)) = known.as_deref()
            && known.salt == salt
            && known.iterations == iterations
        {
            return known.keys;
        }
        drop(known);
        let keys = Keys::derive(password, salt, iterations);
        if let Ok(mut known) = self.0.lock() {
            *known = Some(Known {
                salt: salt.to_vec(),
                iterations,
                keys,
            });
        }
        keys
    }
}

/// Keys are as good as the password.
impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCache")
    }
}
