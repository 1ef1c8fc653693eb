//! Keyed digests of what a sink can see of an entry.

use idsync_core::{Attributes, Digest, DigestKey, Group, User};

/// Computes content digests under one directory's key.
///
/// 128 bits of keyed BLAKE3: a missed update would leave somebody with access, and people choose parts of their own profile.
#[derive(Debug, Clone)]
pub(crate) struct Digester {
    key: DigestKey,
}

impl Digester {
    pub(crate) const fn new(key: DigestKey) -> Self {
        Self { key }
    }

    pub(crate) fn user(&self, user: &User) -> Digest {
        let mut hasher = self.hasher(b'u');
        field(&mut hasher, user.status.as_str().as_bytes());
        field(&mut hasher, &[u8::from(user.login.is_some())]);
        field(&mut hasher, user.login.as_deref().unwrap_or_default().as_bytes());
        attributes(&mut hasher, &user.attributes);
        attributes(&mut hasher, &user.extra);
        finish(&hasher)
    }

    pub(crate) fn group(&self, group: &Group) -> Digest {
        let mut hasher = self.hasher(b'g');
        field(&mut hasher, group.name.as_bytes());
        field(&mut hasher, group.kind.as_str().as_bytes());
        attributes(&mut hasher, &group.attributes);
        attributes(&mut hasher, &group.extra);
        finish(&hasher)
    }

    /// The hash of one member: the same bytes choose its block and add up to the block's digest.
    pub(crate) fn member(&self, id: &str) -> u128 {
        let mut hasher = self.hasher(b'm');
        hasher.update(id.as_bytes());
        u128::from_le_bytes(finish(&hasher).0)
    }

    fn hasher(&self, domain: u8) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(self.key.expose());
        hasher.update(&[domain]);
        hasher
    }
}

fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn attributes(hasher: &mut blake3::Hasher, attributes: &Attributes) {
    field(hasher, attributes.as_json().as_bytes());
}

fn finish(hasher: &blake3::Hasher) -> Digest {
    let mut digest = Digest::default();
    hasher.finalize_xof().fill(&mut digest.0);
    digest
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
