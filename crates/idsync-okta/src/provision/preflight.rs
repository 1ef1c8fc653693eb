//! What is to be known before anything is written.

use super::connection::Connection;
use super::look::Admin;
use super::state::text;
use crate::error::{Error, ErrorDetail, SetupFault};
use crate::transport::Route;
use crate::wire::org::Org;
use serde::Serialize;

/// Which org it is, and whose token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Preflight {
    /// The org's id.
    pub org_id: String,
    /// The id of the user who owns the setup token.
    pub owner_id: String,
    /// The login of that user, to be shown to whoever runs this.
    pub owner: Option<String>,
    /// What that user may do.
    pub rights: Rights,
    /// The issuer of the org's own authorization server: its Okta address, even where it has another one.
    pub issuer: String,
}

/// What the owner of a setup token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rights {
    /// Everything.
    SuperAdmin,
    /// The org did not say; the first grant will.
    Unknown,
}

impl Admin {
    /// Asks which org it is, and whose the token is. Who cannot finish is told before anything is begun.
    pub(super) async fn preflight(&self) -> Result<Preflight, Error> {
        let org = self.client.discover().await?.value;
        self.preflight_of(org).await
    }

    /// The same for a connection, which must be one to this org: in another one whatever it names would pass for gone.
    pub(super) async fn preflight_for(&self, connection: &Connection) -> Result<Preflight, Error> {
        let org = self.client.discover().await?.value;
        if connection.org_id != org.id && !connection.org_id.is_empty() {
            let fault = SetupFault::OtherOrg { org_id: connection.org_id.clone() };
            return Err(Error::Setup { operation: Route::Discovery.operation(), fault, detail: ErrorDetail::default() });
        }
        self.preflight_of(org).await
    }

    async fn preflight_of(&self, org: Org) -> Result<Preflight, Error> {
        let me = self.read(Route::Me, self.url(&["api", "v1", "users", "me"])).await.map_err(of_address)?.unwrap_or_default();
        let owner_id = text(&me["id"]).ok_or(Error::Decode { operation: Route::Me.operation(), reason: "not of the documented shape" })?;
        let rights = self.rights(&owner_id).await?;
        let host = org.hosts.first().map(String::as_str).unwrap_or_else(|| self.client.org().host());
        let issuer = match self.client.org().is_plain() {
            true => self.client.org().address(),
            false => format!("https://{host}"),
        };
        Ok(Preflight { org_id: org.id, owner_id, owner: text(&me["profile"]["login"]), rights, issuer })
    }

    async fn rights(&self, owner: &str) -> Result<Rights, Error> {
        let not_super = |detail| Error::Setup { operation: Route::MyRoles.operation(), fault: SetupFault::NotSuperAdmin, detail };
        match self.read(Route::MyRoles, self.url(&["api", "v1", "users", owner, "roles"])).await {
            Ok(Some(serde_json::Value::Array(roles))) => {
                let is_super = roles.iter().any(|role| role["type"] == "SUPER_ADMIN" && role["status"] != "INACTIVE");
                if is_super { Ok(Rights::SuperAdmin) } else { Err(not_super(ErrorDetail::default())) }
            }
            // Only a super administrator sees who has which role.
            Err(Error::Setup { fault: SetupFault::NotAllowed, detail, .. }) => Err(not_super(detail)),
            Err(error @ Error::Setup { .. }) => Err(error),
            _ => Ok(Rights::Unknown),
        }
    }
}

/// Everybody may look at themselves, so whoever may not is in the wrong place.
fn of_address(error: Error) -> Error {
    match error {
        Error::Setup { operation, fault: SetupFault::NotAllowed, detail } => Error::Setup { operation, fault: SetupFault::Address, detail },
        other => other,
    }
}
