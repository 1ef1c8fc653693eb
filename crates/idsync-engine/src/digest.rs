//! Keyed digests of what a sink can see of an entry.

use idsync_core::{Attributes, Digest, DigestKey, Group, User};
use std::fmt;

/// Computes content digests under one directory's key.
///
/// Of entries, 128 bits of keyed BLAKE3: a missed update would leave somebody with access, and people choose parts of their own profile.
/// Of ids, 128 bits of XXH3 with a secret drawn from the key: ids are the provider's to choose, there are ten times as many of them, and
/// what is concluded from their sums is checked once more ([`crate::compare`]).
#[derive(Clone)]
pub(crate) struct Digester {
    key: DigestKey,
    secret: Box<[u8; SECRET]>,
}

/// As long as the secret that XXH3 comes with.
const SECRET: usize = 192;

/// The keyed hash of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IdHash(pub(crate) u128);

/// The first half of the hash of an id, which is how members are kept in the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ShortHash(pub(crate) u64);

impl IdHash {
    pub(crate) const fn short(self) -> ShortHash {
        ShortHash((self.0 >> 64) as u64)
    }
}

impl Digester {
    pub(crate) fn new(key: DigestKey) -> Self {
        let mut secret = Box::new([0; SECRET]);
        let mut hasher = blake3::Hasher::new_keyed(key.expose());
        hasher.update(b"ids");
        hasher.finalize_xof().fill(secret.as_mut_slice());
        Self { key, secret }
    }

    pub(crate) fn user(&self, user: &User) -> Digest {
        let mut content = Content::new(b'u');
        content.field(user.status.as_str().as_bytes());
        content.field(&[u8::from(user.login.is_some())]);
        content.field(user.login.as_deref().unwrap_or_default().as_bytes());
        content.attributes(&user.attributes);
        content.attributes(&user.extra);
        self.digest(&content)
    }

    pub(crate) fn group(&self, group: &Group) -> Digest {
        let mut content = Content::new(b'g');
        content.field(group.name.as_bytes());
        content.field(group.kind.as_str().as_bytes());
        content.attributes(&group.attributes);
        content.attributes(&group.extra);
        self.digest(&content)
    }

    /// The hash of an id: it finds entries, chooses the block of a member, and adds up to the block's digest.
    pub(crate) fn id(&self, id: &str) -> IdHash {
        IdHash(xxhash_rust::xxh3::xxh3_128_with_secret(id.as_bytes(), self.secret.as_slice()))
    }

    fn digest(&self, content: &Content) -> Digest {
        let hash = blake3::keyed_hash(self.key.expose(), &content.0);
        let mut digest = Digest::default();
        digest.0.copy_from_slice(hash.as_bytes().split_at(16).0);
        digest
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester")
    }
}

/// What is hashed of an entry, in one piece, which is quicker to hash than its parts.
struct Content(Vec<u8>);

impl Content {
    fn new(domain: u8) -> Self {
        let mut bytes = Vec::with_capacity(1_024);
        bytes.push(domain);
        Self(bytes)
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn attributes(&mut self, attributes: &Attributes) {
        self.field(attributes.as_json().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idsync_core::{GroupId, UserId, UserStatus};

    fn digester(byte: u8) -> Digester {
        Digester::new(DigestKey::new([byte; 32]))
    }

    fn user() -> User {
        User::new(UserId::new("00u1").unwrap(), UserStatus::Active).with_login("ana").with_attribute("title", "x")
    }

    #[test]
    fn p06_timestamps_do_not_move_the_digest_and_everything_else_does() {
        let base = digester(1).user(&user());
        let mut seen = user();
        seen.timestamps.last_login = Some(idsync_core::Timestamp::UNIX_EPOCH);
        assert_eq!(digester(1).user(&seen), base);
        assert_ne!(digester(1).user(&user().with_login("ann")), base);
        assert_ne!(digester(1).user(&user().with_attribute("title", serde_json::Value::Null)), base);
        assert_ne!(digester(1).user(&user().with_attribute("a", 1)), digester(1).user(&user().with_attribute("a", "1")));
        assert_ne!(digester(2).user(&user()), base, "the key matters");
    }

    #[test]
    fn fields_cannot_run_into_each_other() {
        let group = |name: &str, text: &str| Group::new(GroupId::new("g").unwrap(), name).with_attribute("d", text);
        assert_ne!(digester(1).group(&group("ab", "c")), digester(1).group(&group("a", "bc")));
    }
}
