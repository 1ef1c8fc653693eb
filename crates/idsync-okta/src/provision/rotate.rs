//! Changing the key.

use super::connection::Connection;
use super::listener::StepOutcome;
use super::look::Admin;
use super::provisioner::OktaProvisioner;
use super::state::App;
use super::steps::is_key;
use super::verify::prove;
use super::write::WriteFault;
use crate::error::{Error, ErrorDetail, SetupFault};
use crate::key::{PublicJwk, SigningKey};
use crate::transport::{Attempts, Route};
use idsync_core::BoxError;
use std::time::Duration;

impl OktaProvisioner {
    /// Gives the app a new key, proves it by reading, hands the new connection to `keep`, and takes all other keys away once `keep` has
    /// kept it. Until then the old key goes on working.
    ///
    /// It may be called again with the same new key after it was interrupted at any point.
    ///
    /// # Errors
    /// The app is gone, the key could not be changed, the new key was not proven, or the connection could not be kept ([`Error::Kept`]).
    pub async fn rotate_key(
        &self,
        connection: &Connection,
        key: &SigningKey,
        keep: impl Fn(&Connection) -> Result<(), BoxError>,
    ) -> Result<Connection, Error> {
        let jwk =
            key.public_jwk().ok_or_else(|| Error::config("the public half of the new key is not known", "rotate with a local key"))?;
        if connection.key_id.is_none() {
            return Err(Error::config("Okta finds the keys of this app by itself", "publish the new key under the address it reads"));
        }
        self.admin.preflight().await?;
        self.step("add the new key to the app", self.admin.have_key(connection, &jwk)).await?;
        let rotated = Connection { key_id: Some(jwk.kid.clone()), ..connection.clone() };
        self.step("read as the app with the new key", prove(&rotated, key, self.grace)).await?;
        keep(&rotated).map_err(|source| Error::Kept { source })?;
        self.step("take the old keys away", self.admin.retire_keys(&rotated, &jwk)).await?;
        Ok(rotated)
    }

    pub(super) async fn step<T>(&self, step: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.tell(StepOutcome::Begun(step.to_owned()));
        let done = work.await?;
        self.tell(StepOutcome::Done { step: step.to_owned(), made: None });
        Ok(done)
    }
}

impl Admin {
    /// The app of a connection. Its id says which one it is: somebody may have given it another label, or its label to another app.
    async fn existing_app(&self, connection: &Connection) -> Result<App, Error> {
        let app_id = connection.app_id.clone();
        let gone = |app_id| Error::Setup {
            operation: Route::Apps.operation(),
            fault: SetupFault::AppGone { app_id },
            detail: ErrorDetail::default(),
        };
        self.our_app(&connection.app_id).await?.ok_or_else(|| gone(app_id))
    }

    async fn have_key(&self, connection: &Connection, jwk: &PublicJwk) -> Result<(), Error> {
        let mut attempts = Attempts::new(self.client.inner.retry);
        loop {
            let app = self.existing_app(connection).await?;
            let written = match app.keys.iter().find(|key| is_key(key, jwk)) {
                Some(key) if key.is_active => return Ok(()),
                Some(key) => {
                    let url = self.url(&["api", "v1", "apps", &app.id, "credentials", "jwks", &key.id, "lifecycle", "activate"]);
                    self.write(Route::ActivateKey, &url, None).await.map(drop)
                }
                None => self.add_key(&app.id, jwk).await,
            };
            self.after(written, Route::AddKey, &mut attempts).await?;
        }
    }

    /// Deactivates and deletes every key but this one.
    async fn retire_keys(&self, connection: &Connection, jwk: &PublicJwk) -> Result<(), Error> {
        let mut attempts = Attempts::new(self.client.inner.retry);
        loop {
            let app = self.existing_app(connection).await?;
            let Some(old) = app.keys.iter().find(|key| !is_key(key, jwk)) else { return Ok(()) };
            let key = ["api", "v1", "apps", app.id.as_str(), "credentials", "jwks", old.id.as_str()];
            let written = if old.is_active {
                let url = self.url(&[&key[..], &["lifecycle", "deactivate"]].concat());
                self.write(Route::DeactivateKey, &url, None).await
            } else {
                self.write(Route::DeleteKey, &self.url(&key), None).await
            };
            self.after(written.map(drop), Route::DeleteKey, &mut attempts).await?;
        }
    }

    /// What follows from a write before everything is looked at again: a pause after a doubtful one, and an end after too many.
    pub(super) async fn after(&self, written: Result<(), WriteFault>, route: Route, attempts: &mut Attempts) -> Result<(), Error> {
        match written {
            Ok(()) => {
                attempts.took(Duration::ZERO);
                if attempts.made > MOST_WRITES {
                    let fault = SetupFault::NotDone;
                    return Err(Error::Setup { operation: route.operation(), fault, detail: ErrorDetail::default() });
                }
                Ok(())
            }
            Err(WriteFault::Unknown(error)) => {
                attempts.took(Duration::ZERO);
                self.client.inner.again(attempts, *error, Duration::ZERO).await
            }
            // It is gone, which is as good.
            Err(WriteFault::Refused(error)) if matches!(*error, Error::NotFound { .. }) && attempts.made < MOST_WRITES => {
                attempts.took(Duration::ZERO);
                Ok(())
            }
            Err(WriteFault::Refused(error)) => Err(*error),
        }
    }
}

/// An app has at most 50 keys, each of which takes two writes.
const MOST_WRITES: u32 = 150;
