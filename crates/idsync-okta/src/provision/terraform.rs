//! The same app as a Terraform module, for those who make everything that way.

mod files;
mod hcl;
mod readme;

use super::spec::{AppSpec, KeySource};
use crate::OrgUrl;
use crate::error::Error;
use crate::key::PublicJwk;
use crate::org_url::admin_twin;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use url::Url;

/// A Terraform module that makes the service app, for the provider `okta/okta`. It holds no secret: of a key, only its public half.
///
/// The module's README says how to apply it and how to connect with what comes out.
///
/// ```
/// # fn main() -> Result<(), idsync_okta::Error> {
/// use idsync_okta::{AppSpec, KeyKind, KeySource, NewKey, OrgUrl, TerraformModule};
///
/// let key = NewKey::generate(KeyKind::Es256)?;
/// let spec = AppSpec::new("Directory sync", KeySource::Private(key.signing_key().clone()))?;
/// let module = TerraformModule::from_spec(&spec, &OrgUrl::parse("acme.okta.com")?)?;
/// assert!(module.files().iter().any(|file| file.name == "main.tf"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerraformModule {
    files: Vec<TerraformFile>,
}

/// One file of a [`TerraformModule`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TerraformFile {
    /// Its name, such as `main.tf`.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}

impl TerraformModule {
    /// The module that makes this app in this org.
    ///
    /// Terraform cannot fall back by itself: for [`WantedRole::LeastPrivilege`](crate::WantedRole::LeastPrivilege) the module makes the
    /// custom role, and its variable `role` chooses Read-Only Administrator instead. A rate share is not part of the module; the README
    /// says where to set it.
    ///
    /// # Errors
    /// [`Error::Config`] when the provider cannot do it: the org is on this machine or has a port of its own, the key is on another curve
    /// than P-256, which the provider does not name, or the address of the keys holds a password.
    pub fn from_spec(spec: &AppSpec, org: &OrgUrl) -> Result<Self, Error> {
        let key = Key::of(&spec.key)?;
        let place = Place::of(org)?;
        let files = vec![
            TerraformFile { name: "versions.tf", text: files::versions(spec.binding) },
            TerraformFile { name: "variables.tf", text: files::variables(spec.role, &place) },
            TerraformFile { name: "main.tf", text: files::main(spec, &key) },
            TerraformFile { name: "outputs.tf", text: files::outputs() },
            TerraformFile { name: "README.md", text: readme::readme(spec, &key, &place) },
        ];
        Ok(Self { files })
    }

    /// Its files.
    pub fn files(&self) -> &[TerraformFile] {
        &self.files
    }

    /// Writes the files into this folder, which is made when it is not there. Files that hold the same already are left alone.
    ///
    /// # Errors
    /// [`Error::Config`] when one of the files is there with other content, in which case nothing is written, or when the folder or a file
    /// cannot be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<(), Error> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let mut missing = Vec::new();
        for file in &self.files {
            let path = folder.join(file.name);
            match fs::read(&path) {
                Ok(found) if found == file.text.as_bytes() => {}
                Ok(_) => return Err(foreign(&path)),
                Err(error) if error.kind() == ErrorKind::NotFound => missing.push((path, file)),
                Err(error) => return Err(unwritable(&path, &error)),
            }
        }
        missing.iter().try_for_each(|(path, file)| create(path, &file.text))
    }
}

/// Writes a new file, or none: half a file would be taken for someone else's the next time.
fn create(path: &Path, text: &str) -> Result<(), Error> {
    // Somebody may have made it since it was looked for, or a link that leads nowhere may be in its place.
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => foreign(path),
        _ => unwritable(path, &error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        drop(fs::remove_file(path));
        unwritable(path, &error)
    })
}

fn foreign(path: &Path) -> Error {
    let message = format!("{} is there already with other content and was left as it is", path.display());
    Error::config(message, "compare the two, and write into another folder or remove the file")
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::config(format!("{} cannot be written: {}", path.display(), error.kind()), "give a folder that may be written")
}

/// What is registered of the key.
enum Key<'a> {
    Jwk(PublicJwk),
    Address(&'a Url),
}

impl<'a> Key<'a> {
    fn of(source: &'a KeySource) -> Result<Self, Error> {
        let jwk = match source {
            KeySource::Private(key) => key
                .public_jwk()
                .ok_or_else(|| Error::config("the public half of the key is not known", "give it as `KeySource::Public`"))?,
            KeySource::Public(jwk) => jwk.clone(),
            KeySource::JwksUri(url) if url.username().is_empty() && url.password().is_none() => return Ok(Self::Address(url)),
            KeySource::JwksUri(_) => {
                return Err(Error::config("the address of the keys holds a password", "serve the public keys without one"));
            }
        };
        if jwk.crv.is_some_and(|curve| curve != "P-256") {
            let message = "Terraform's provider does not name the curve of a key, so only P-256 is certain to be understood";
            return Err(Error::config(message, "use a P-256 or an RSA key, or let Okta find the keys at an address"));
        }
        Ok(Self::Jwk(jwk))
    }
}

/// Where the org is, as the provider wants it.
struct Place {
    /// The org's name and Okta's domain, unless the org was given by a domain of its own: that is not where Okta grants scopes.
    known: Option<(String, String)>,
}

impl Place {
    fn of(org: &OrgUrl) -> Result<Self, Error> {
        let origin = org.origin();
        let (false, None, Some((name, domain))) = (org.is_plain(), origin.port(), origin.domain().and_then(|host| host.split_once('.')))
        else {
            let message = format!("Terraform's provider does not reach an org at {org}");
            return Err(Error::config(message, "give the org's own address, such as https://acme.okta.com"));
        };
        let known = admin_twin(org.host()).map(|_| (name.to_owned(), domain.to_owned()));
        Ok(Self { known })
    }
}

#[cfg(test)]
mod tests;
