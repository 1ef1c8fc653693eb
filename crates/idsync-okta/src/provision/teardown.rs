//! Removing what was made for a connection.

use super::connection::Connection;
use super::provisioner::OktaProvisioner;
use super::remove::Removed;
use super::spec::AppRole;
use crate::error::Error;

impl OktaProvisioner {
    /// Removes the app of this connection with its grants and roles, and the custom role and the resource set that were made for it, and
    /// nothing else. Doing so twice is fine.
    ///
    /// The app is found by its id, so that it is removed also when somebody gave it another label. Where the app, the role or the resource
    /// set is there and does not say any more that it was made here, it is left alone, and that is an error ([`SetupFault::MarkerGone`]).
    ///
    /// [`SetupFault::MarkerGone`]: crate::SetupFault::MarkerGone
    ///
    /// # Errors
    /// Something could not be removed; the next call goes on from there. The connection is to another org
    /// ([`SetupFault::OtherOrg`](crate::SetupFault::OtherOrg)); nothing was removed.
    pub async fn teardown(&self, connection: &Connection) -> Result<Removed, Error> {
        self.admin.preflight_for(connection).await?;
        let mut removed = Removed::default();
        self.remove_app(&connection.app_id, &mut removed).await?;
        if let AppRole::Custom { role_id, resource_set_id } = &connection.role {
            self.remove_set(resource_set_id, &mut removed).await?;
            self.remove_role(role_id, &mut removed).await?;
        }
        Ok(removed)
    }
}
