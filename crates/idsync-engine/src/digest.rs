//! Keyed digests of what a sink can see of an entry.

use crate::lanes;
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

/// How many users are hashed side by side: enough that many are equally long, and few enough that they stay in the cache.
const BUNDLE: usize = 256;

/// Room for a usual profile.
const USUAL: usize = 1_024;

/// As long as the secret that XXH3 comes with.
const SECRET: usize = 192;

/// The keyed hash of an id, in two halves: a whole one would have to stand at a multiple of sixteen, and what is beside it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IdHash {
    first: u64,
    last: u64,
}

/// The first half of the hash of an id, which is how members are kept in the base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ShortHash(pub(crate) u64);

impl IdHash {
    const fn new(whole: u128) -> Self {
        Self { first: (whole >> 64) as u64, last: whole as u64 }
    }

    pub(crate) const fn short(self) -> ShortHash {
        ShortHash(self.first)
    }

    pub(crate) const fn whole(self) -> u128 {
        (self.first as u128) << 64 | self.last as u128
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
        let mut content = Content(Vec::with_capacity(USUAL));
        content.user(user);
        self.digest(&content)
    }

    /// The digests of users, in their order: side by side they take a fraction of the time.
    pub(crate) fn users(&self, users: &[User]) -> Vec<Digest> {
        let (mut digests, mut ends) = (Vec::with_capacity(users.len()), Vec::new());
        let mut content = Content(Vec::with_capacity(users.len().min(BUNDLE) * USUAL));
        for bundle in users.chunks(BUNDLE) {
            content.0.clear();
            ends.clear();
            ends.extend(bundle.iter().map(|user| {
                content.user(user);
                content.0.len()
            }));
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let messages: Vec<_> = starts.zip(&ends).map(|(start, end)| &content.0[start..*end]).collect();
            digests.extend(lanes::keyed_hashes(self.key.expose(), &messages).iter().map(cut));
        }
        digests
    }

    pub(crate) fn group(&self, group: &Group) -> Digest {
        let mut content = Content(Vec::with_capacity(USUAL));
        content.group(group);
        self.digest(&content)
    }

    /// The hash of an id: it finds entries, chooses the block of a member, and adds up to the block's digest.
    #[inline]
    pub(crate) fn id(&self, id: &str) -> IdHash {
        IdHash::new(xxhash_rust::xxh3::xxh3_128_with_secret(id.as_bytes(), self.secret.as_slice()))
    }

    fn digest(&self, content: &Content) -> Digest {
        cut(blake3::keyed_hash(self.key.expose(), &content.0).as_bytes())
    }
}

/// The half of a hash that is kept.
fn cut(hash: &[u8; blake3::OUT_LEN]) -> Digest {
    let mut digest = Digest::default();
    digest.0.copy_from_slice(hash.split_at(16).0);
    digest
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester")
    }
}

/// What is hashed of entries, one after the other. Each is filled up with zeros to whole blocks, as many can be hashed at once then;
/// every field comes after its length, so that it is plain what belongs to them.
struct Content(Vec<u8>);

impl Content {
    fn user(&mut self, user: &User) {
        self.0.push(b'u');
        self.field(user.status.as_str().as_bytes());
        self.field(&[u8::from(user.login.is_some())]);
        self.field(user.login.as_deref().unwrap_or_default().as_bytes());
        self.attributes(&user.attributes);
        self.attributes(&user.extra);
        self.fill_up();
    }

    fn group(&mut self, group: &Group) {
        self.0.push(b'g');
        self.field(group.name.as_bytes());
        self.field(group.kind.as_str().as_bytes());
        self.attributes(&group.attributes);
        self.attributes(&group.extra);
        self.fill_up();
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn attributes(&mut self, attributes: &Attributes) {
        self.field(attributes.as_json().as_bytes());
    }

    fn fill_up(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(lanes::BLOCK), 0);
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
    fn users_have_the_digests_that_each_has_alone() {
        let user = |number: usize| {
            let user = User::new(UserId::new(format!("00u{number}")).unwrap(), UserStatus::Active).with_login("x".repeat(number % 97));
            if number.is_multiple_of(5) { user.with_attribute("long", "y".repeat(number * 3)) } else { user }
        };
        let users: Vec<_> = (0..2 * BUNDLE + 7).map(user).collect();
        let alone: Vec<_> = users.iter().map(|user| digester(1).user(user)).collect();
        assert_eq!(digester(1).users(&users), alone);
        assert_eq!(digester(1).users(&[]), []);
    }

    #[test]
    fn fields_cannot_run_into_each_other() {
        let group = |name: &str, text: &str| Group::new(GroupId::new("g").unwrap(), name).with_attribute("d", text);
        assert_ne!(digester(1).group(&group("ab", "c")), digester(1).group(&group("a", "bc")));
        // What tells whether there is a login is a byte that may stand in a text, too.
        let user = |status: &str, login: &str| User::new(UserId::new("00u1").unwrap(), UserStatus::from(status)).with_login(login);
        assert_ne!(digester(1).user(&user("a\u{1}", "b")), digester(1).user(&user("a", "\u{1}b")));
        let (mut one, mut other) = (user("a", "b"), user("a", "b"));
        one.attributes.insert("x", 1);
        other.extra.insert("x", 1);
        assert_ne!(digester(1).user(&one), digester(1).user(&other));
    }
}
