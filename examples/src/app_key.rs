//! The private key of the app that `provision` makes, and its file.

use crate::connection::beside;
use crate::files;
use crate::provision_failure::Unfinished;
use idsync::okta::{KeyKind, NewKey, SigningKey};
use std::path::{Path, PathBuf};

/// A key that is not saved before it is known that the org will have it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Key {
    /// It is in its file.
    Saved(SigningKey),
    /// It is nowhere else yet.
    New(NewKey),
}

impl Key {
    /// The key in a file, or a new one when there is none.
    ///
    /// # Errors
    /// The file holds no key.
    pub fn at(path: &Path, kind: KeyKind) -> Result<Self, Unfinished> {
        if !path.exists() {
            return Ok(Self::New(NewKey::generate(kind)?));
        }
        files::check(path)?;
        Ok(Self::Saved(SigningKey::from_file(path)?))
    }

    /// The key itself.
    pub const fn signing_key(&self) -> &SigningKey {
        match self {
            Self::Saved(key) => key,
            Self::New(new) => new.signing_key(),
        }
    }

    /// Writes it to its file, if it is not there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Unfinished> {
        match self {
            Self::Saved(_) => Ok(()),
            Self::New(new) => Ok(new.save(path)?),
        }
    }
}

/// The key in a file, which is made when it is not there.
///
/// # Errors
/// It cannot be read or written.
pub fn saved_key(path: &Path, kind: KeyKind) -> Result<SigningKey, Unfinished> {
    let key = Key::at(path, kind)?;
    key.save(path)?;
    Ok(key.signing_key().clone())
}

/// A key file as the connection file names it: seen from its folder where it is in it.
pub fn relative(connection: &Path, key: &Path) -> PathBuf {
    let folder = connection.parent().unwrap_or_else(|| Path::new(""));
    match key.strip_prefix(folder) {
        Ok(inside) => inside.to_owned(),
        Err(_) => std::path::absolute(key).unwrap_or_else(|_| key.to_owned()),
    }
}

/// Where a new key goes: beside the old one, with the first characters of its id that may stand in the name of a file.
pub fn new_file(old: &Path, key: &SigningKey) -> PathBuf {
    let id: String = key.key_id().chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    beside(old, Path::new(&format!("idsync-key-{id}.pem")))
}
