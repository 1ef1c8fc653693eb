//! What the org says about itself.

use crate::auth::Caller;
use crate::org::{Role, Shared};
use crate::server::{Answer, Call, Failure};
use serde_json::{Value, json};

/// `GET /.well-known/okta-organization`; needs no credential and is not counted.
pub(crate) fn discovery(shared: &Shared) -> Answer {
    let body = json!({"id": shared.org_id().as_str(), "pipeline": "idx", "_links": {"organization": {"href": shared.base}}});
    Answer::json(200, body.to_string())
}

/// `GET /api/v1/org`.
pub(super) fn settings(shared: &Shared, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.has_role() {
        return Err(Failure::no_permission());
    }
    let (id, base) = (shared.org_id(), &shared.base);
    let body = json!({
        "id": id.as_str(), "subdomain": "emulator", "companyName": "Emulated company", "status": "ACTIVE", "expiresAt": null,
        "created": "2019-01-01T00:00:00.000Z", "lastUpdated": "2019-01-01T00:00:00.000Z", "website": "https://www.example.com",
        "phoneNumber": "", "endUserSupportHelpURL": "", "supportPhoneNumber": "",
        "address1": null, "address2": null, "city": null, "state": null, "country": null, "postalCode": null,
        "_links": {"preferences": {"href": format!("{base}/api/v1/org/preferences")}, "logo": null},
    });
    Ok(Answer::json(200, body.to_string()))
}

/// `GET /api/v1/org/settings/clientPrivilegesSetting`.
pub(super) fn privileges(shared: &Shared, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.is_super() {
        return Err(Failure::no_permission());
    }
    let is_on = shared.access().managed.role_of_new_apps == Role::SuperAdmin;
    Ok(Answer::json(200, json!({"clientPrivilegesSetting": is_on}).to_string()))
}

/// `PUT /api/v1/org/settings/clientPrivilegesSetting`.
pub(super) fn set_privileges(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.is_super() {
        return Err(Failure::no_permission());
    }
    let is_on = super::json::body(call)?.get("clientPrivilegesSetting").and_then(Value::as_bool);
    let is_on = is_on.ok_or_else(|| Failure::invalid("clientPrivilegesSetting", "clientPrivilegesSetting must be true or false"))?;
    shared.access().managed.role_of_new_apps = if is_on { Role::SuperAdmin } else { Role::None };
    privileges(shared, caller)
}
