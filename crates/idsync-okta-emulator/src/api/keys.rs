//! The keys of an app.

use super::app_json;
use super::apps::{find, not_found};
use super::json::{body, list as rows};
use super::jwk::{self, refusal};
use crate::auth::Caller;
use crate::id::Kind;
use crate::org::{App, AppKey, Client, KeyList, KeyStatus, Managed, PRIVATE_KEY_JWT, Shared};
use crate::server::{Answer, Call, Failure};

/// `GET /api/v1/apps/{id}/credentials/jwks`.
pub(super) fn list(shared: &Shared, call: &Call, app: &str, caller: &Caller) -> Result<Answer, Failure> {
    check_sight(caller)?;
    let access = shared.access();
    let app = find(&access.managed, app)?;
    let keys = app.client.iter().flat_map(|client| &client.keys).map(|key| app_json::key(shared, app, key));
    match access.quirks.key_list {
        KeyList::Bare => rows(shared, call, Kind::Key, keys),
        KeyList::Wrapped => {
            let keys: Vec<Vec<u8>> = keys.collect();
            Ok(Answer::json(200, [b"{\"jwks\":{\"keys\":[".as_slice(), &keys.join(&b','), b"]}}"].concat()))
        }
    }
}

/// `POST /api/v1/apps/{id}/credentials/jwks`.
pub(super) fn add(shared: &Shared, call: &Call, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    let (body, now) = (body(call)?, shared.now());
    let managed = &mut shared.access().managed;
    let place = check_power(managed, id, caller)?;
    let key = jwk::read(&body, managed, now)?;
    let client = client(managed, place, id)?;
    let mut keys = client.keys.clone();
    keys.push(key.clone());
    jwk::check_together(&keys)?;
    client.keys = keys;
    Ok(Answer::json(201, app_json::key(shared, find(managed, id)?, &key)))
}

/// `GET /api/v1/apps/{id}/credentials/jwks/{id}`.
pub(super) fn one(shared: &Shared, app: &str, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check_sight(caller)?;
    let access = shared.access();
    let app = find(&access.managed, app)?;
    Ok(Answer::json(200, app_json::key(shared, app, find_key(app, id)?)))
}

/// `POST /api/v1/apps/{id}/credentials/jwks/{id}/lifecycle/activate` and `…/deactivate`.
pub(super) fn set_status(shared: &Shared, app: &str, id: &str, status: KeyStatus, caller: &Caller) -> Result<Answer, Failure> {
    let now = shared.now();
    let managed = &mut shared.access().managed;
    let place = check_power(managed, app, caller)?;
    find_key(find(managed, app)?, id)?;
    let client = client(managed, place, app)?;
    let is_other = |key: &AppKey| key.is_active() && !key.is_for_encryption() && key.id.as_str() != id;
    if status == KeyStatus::Inactive && client.auth_method == PRIVATE_KEY_JWT && !client.keys.iter().any(is_other) {
        return Err(refusal(
            "Can't deactivate the only active JSON Web Key when the value for `token_endpoint_auth_method` is `private_key_jwt`.",
        ));
    }
    if let Some(key) = client.keys.iter_mut().find(|key| key.id.as_str() == id && key.status != status) {
        (key.status, key.updated) = (status, now.max(key.created));
    }
    let app = find(managed, app)?;
    Ok(Answer::json(200, app_json::key(shared, app, find_key(app, id)?)))
}

/// `DELETE /api/v1/apps/{id}/credentials/jwks/{id}`.
pub(super) fn delete(shared: &Shared, app: &str, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    let managed = &mut shared.access().managed;
    let place = check_power(managed, app, caller)?;
    if find_key(find(managed, app)?, id)?.is_active() {
        return Err(refusal("You can't delete an active JSON Web Key. Deactivate the key before deleting it."));
    }
    client(managed, place, app)?.keys.retain(|key| key.id.as_str() != id);
    Ok(Answer::empty(204))
}

fn check_sight(caller: &Caller) -> Result<(), Failure> {
    if caller.rights.sees_apps() { Ok(()) } else { Err(Failure::no_permission()) }
}

/// Refuses who may not change the keys of this app, which takes a super admin once it was granted scopes (Okta reference: "Implement OAuth
/// for Okta with a service app"); returns the place of the app.
fn check_power(managed: &Managed, id: &str, caller: &Caller) -> Result<usize, Failure> {
    if !caller.rights.manages_apps() {
        return Err(Failure::no_permission());
    }
    let app = find(managed, id)?;
    if (managed.has_grants(app) || managed.has_role(app)) && !caller.rights.is_super() {
        return Err(Failure::no_permission());
    }
    managed.place(id).ok_or_else(|| not_found(id))
}

fn client<'a>(managed: &'a mut Managed, place: usize, id: &str) -> Result<&'a mut Client, Failure> {
    managed.app_mut(place).and_then(|app| app.client.as_mut()).ok_or_else(|| not_found(id))
}

fn find_key<'a>(app: &'a App, id: &str) -> Result<&'a AppKey, Failure> {
    let key = app.client.iter().flat_map(|client| &client.keys).find(|key| key.id.as_str() == id);
    key.ok_or_else(|| Failure::not_found(id, "JsonWebKey"))
}
