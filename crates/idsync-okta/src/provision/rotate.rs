//! Changing the key.

use super::connection::Connection;
use super::listener::StepOutcome;
use super::look::Admin;
use super::provisioner::OktaProvisioner;
use super::settle::Settling;
use super::state::{App, AppKey};
use super::steps::is_key;
use super::verify::prove;
use super::write::WriteFault;
use crate::error::{Error, ErrorDetail, SetupFault};
use crate::key::{PublicJwk, SigningKey};
use crate::transport::Route;
use idsync_core::BoxError;
use std::collections::BTreeMap;

impl OktaProvisioner {
    /// Gives the app a new key, proves it by reading, hands the new connection to `keep`, and takes all other keys away once `keep` has
    /// kept it. Until then the old key goes on working.
    ///
    /// It may be called again with the same new key after it was interrupted at any point.
    ///
    /// # Errors
    /// The app is gone, the connection is to another org, the key could not be changed, the new key was not proven, or the connection could
    /// not be kept ([`Error::Kept`]).
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
        self.admin.preflight_for(connection).await?;
        self.step("add the new key to the app", self.admin.have_key(&connection.app_id, &jwk)).await?;
        let rotated = Connection { key_id: Some(jwk.kid.clone()), ..connection.clone() };
        self.step("read as the app with the new key", prove(&rotated, key, self.grace)).await?;
        keep(&rotated).map_err(|source| Error::Kept { source })?;
        self.step("take the old keys away", self.admin.retire_keys(&rotated.app_id, |key| !is_key(key, &jwk))).await?;
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
    async fn existing_app(&self, app_id: &str) -> Result<App, Error> {
        let fault = SetupFault::AppGone { app_id: app_id.to_owned() };
        let gone = || Error::Setup { operation: Route::App.operation(), fault, detail: ErrorDetail::default() };
        self.our_app(app_id).await?.ok_or_else(gone)
    }

    pub(super) async fn have_key(&self, app_id: &str, jwk: &PublicJwk) -> Result<(), Error> {
        let mut settling = Settling::new(self.client.inner.retry);
        loop {
            let app = self.existing_app(app_id).await?;
            let registered = app.keys.iter().find(|key| is_key(key, jwk));
            let route = match registered {
                Some(key) if key.is_active => return Ok(()),
                Some(_) => Route::ActivateKey,
                None => Route::AddKey,
            };
            // A key is not registered twice: while the first is not shown yet, that would be refused.
            if settling.waits(route, &self.client.inner).await? {
                continue;
            }
            let written = match registered {
                Some(key) => self.activate_key(&app.id, &key.id).await,
                None => self.add_key(&app.id, jwk).await,
            };
            settling.wrote(route, written)?;
        }
    }

    async fn activate_key(&self, app_id: &str, id: &str) -> Result<(), WriteFault> {
        let url = self.url(&["api", "v1", "apps", app_id, "credentials", "jwks", id, "lifecycle", "activate"]);
        self.write(Route::ActivateKey, &url, None).await.map(drop)
    }

    /// Deactivates and deletes the keys of the app that are meant.
    pub(super) async fn retire_keys(&self, app_id: &str, is_old: impl Fn(&AppKey) -> bool) -> Result<(), Error> {
        let mut settling: BTreeMap<String, Settling> = BTreeMap::new();
        loop {
            let app = self.existing_app(app_id).await?;
            let Some(old) = app.keys.iter().find(|key| is_old(key)) else { return Ok(()) };
            let settling = settling.entry(old.id.clone()).or_insert_with(|| Settling::new(self.client.inner.retry));
            let route = if old.is_active { Route::DeactivateKey } else { Route::DeleteKey };
            if settling.waits(route, &self.client.inner).await? {
                continue;
            }
            settling.wrote(route, self.retire_further(&app.id, old).await)?;
        }
    }

    async fn retire_further(&self, app_id: &str, old: &AppKey) -> Result<(), WriteFault> {
        let key = ["api", "v1", "apps", app_id, "credentials", "jwks", old.id.as_str()];
        let written = if old.is_active {
            let url = self.url(&[&key[..], &["lifecycle", "deactivate"]].concat());
            self.write(Route::DeactivateKey, &url, None).await
        } else {
            self.write(Route::DeleteKey, &self.url(&key), None).await
        };
        written.map(drop)
    }
}
