//! Leaving no setup token behind.

use super::look::Admin;
use super::settle::Settling;
use super::write::WriteFault;
use crate::error::{Error, ErrorDetail, SetupFault};
use crate::transport::Route;

impl Admin {
    /// Revokes the token that this client signs in with, and proves it.
    pub(super) async fn revoke_token(&self) -> Result<(), Error> {
        let url = self.url(&["api", "v1", "api-tokens", "current"]);
        let mut settling = Settling::new(self.client.inner.retry);
        loop {
            let fault = match self.write(Route::RevokeToken, &url, None).await {
                Ok(_) => alive(),
                // It was revoked before, or has run out.
                Err(WriteFault::Refused(error)) if matches!(*error, Error::Setup { fault: SetupFault::TokenRefused, .. }) => return Ok(()),
                Err(WriteFault::Refused(error)) => return Err(*error),
                Err(WriteFault::Unknown(error)) => *error,
            };
            match self.read(Route::Me, self.url(&["api", "v1", "users", "me"])).await {
                Err(Error::Setup { fault: SetupFault::TokenRefused, .. }) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error),
            }
            settling.count();
            settling.pause(fault, &self.client.inner).await?;
        }
    }
}

fn alive() -> Error {
    Error::Setup { operation: Route::RevokeToken.operation(), fault: SetupFault::TokenAlive, detail: ErrorDetail::default() }
}
