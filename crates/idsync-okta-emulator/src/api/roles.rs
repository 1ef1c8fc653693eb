//! Custom roles and their permissions.

use super::json::{body, needed, record, texts};
use super::wrapped::{linked, page};
use crate::auth::Caller;
use crate::id::Kind;
use crate::org::{CustomRole, CustomRoles, DeletionInUse, Managed, Permission, Shared};
use crate::server::{Answer, Call, Failure, encode_segment};
use serde_json::{Value, json};

/// Refuses who may not manage custom roles, and everybody where there are none.
pub(super) fn check(shared: &Shared, caller: &Caller) -> Result<(), Failure> {
    check_available(shared.access().quirks.custom_roles)?;
    if caller.rights.is_super() { Ok(()) } else { Err(Failure::no_permission()) }
}

pub(super) fn check_available(custom_roles: CustomRoles) -> Result<(), Failure> {
    match custom_roles {
        CustomRoles::Available => Ok(()),
        CustomRoles::FeatureMissing => {
            Err(Failure::okta(401, "E0000015", "You do not have permission to access the feature you are requesting"))
        }
        CustomRoles::Forbidden => Err(Failure::no_permission()),
    }
}

/// The origin of the admin console, which links to custom roles lead to (recorded). Here it is a name of this machine, should somebody
/// follow it.
pub(super) fn admin(shared: &Shared) -> String {
    format!("http://emulator-admin.localhost:{}", shared.authority.rsplit(':').next().unwrap_or_default())
}

/// `GET /api/v1/iam/roles`.
pub(super) fn list(shared: &Shared, call: &Call) -> Result<Answer, Failure> {
    let access = shared.access();
    let roles = access.managed.iam.roles.iter();
    let rows: Vec<(String, Value)> = roles.map(|role| (role.id.to_string(), write(shared, role).into_iter().collect())).collect();
    page(call, &format!("{}/api/v1/iam/roles", admin(shared)), "roles", &rows, &json!({}))
}

/// `GET /api/v1/iam/roles/{id or label}`.
pub(super) fn one(shared: &Shared, id: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    Ok(answer(shared, find(&access.managed, id)?))
}

/// `POST /api/v1/iam/roles`.
pub(super) fn create(shared: &Shared, call: &Call) -> Result<Answer, Failure> {
    let (body, now) = (body(call)?, shared.now());
    let (label, description) = (needed(&body, "label")?.to_owned(), needed(&body, "description")?.to_owned());
    let permissions = texts(&body, "permissions").filter(|permissions| !permissions.is_empty());
    let permissions = permissions.ok_or_else(|| Failure::invalid("permissions", "permissions: Permissions must be specified"))?;
    for permission in &permissions {
        check_permission(permission)?;
    }
    let managed = &mut shared.access().managed;
    check_label(managed, &label, None)?;
    let permissions = permissions.into_iter().map(|label| Permission { label, created: now }).collect();
    let role = CustomRole { id: managed.id(Kind::CustomRole), label, description, permissions, created: now, updated: now };
    let answer = answer(shared, &role);
    managed.iam.roles.push(role);
    Ok(answer)
}

/// `PUT /api/v1/iam/roles/{id or label}`.
pub(super) fn replace(shared: &Shared, call: &Call, id: &str) -> Result<Answer, Failure> {
    let (body, now) = (body(call)?, shared.now());
    let (label, description) = (needed(&body, "label")?.to_owned(), needed(&body, "description")?.to_owned());
    let managed = &mut shared.access().managed;
    let own = find(managed, id)?.id.to_string();
    check_label(managed, &label, Some(&own))?;
    let role = managed.iam.role_mut(&own).ok_or_else(|| not_found(id))?;
    (role.label, role.description, role.updated) = (label, description, now);
    Ok(answer(shared, role))
}

/// `DELETE /api/v1/iam/roles/{id or label}`.
pub(super) fn delete(shared: &Shared, id: &str) -> Result<Answer, Failure> {
    let access = &mut *shared.access();
    let own = find(&access.managed, id)?.id.clone();
    let iam = &mut access.managed.iam;
    if access.quirks.deletion_in_use == DeletionInUse::Refused && iam.listed().any(|binding| binding.role == own) {
        return Err(Failure::invalid("role", "The role cannot be deleted because it is assigned."));
    }
    iam.bindings.retain(|binding| binding.role != own);
    iam.roles.retain(|role| role.id != own);
    Ok(Answer::empty(204))
}

/// `GET /api/v1/iam/roles/{id or label}/permissions`.
pub(super) fn permissions(shared: &Shared, id: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    let role = find(&access.managed, id)?;
    let rows: Vec<Value> =
        role.permissions.iter().map(|permission| write_permission(shared, role, permission).into_iter().collect()).collect();
    // The one list of these without a link to itself (recorded).
    Ok(Answer::json(200, record(&[("permissions", rows.into())])))
}

/// `GET /api/v1/iam/roles/{id or label}/permissions/{permission}`.
pub(super) fn permission(shared: &Shared, id: &str, label: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    let role = find(&access.managed, id)?;
    let permission = role.permissions.iter().find(|permission| permission.label == label);
    let permission = permission.ok_or_else(|| Failure::not_found(label, "Permission"))?;
    Ok(linked(Answer::json(200, record(&write_permission(shared, role, permission))), &permission_url(shared, role, label)))
}

/// `POST /api/v1/iam/roles/{id or label}/permissions/{permission}`.
pub(super) fn add_permission(shared: &Shared, id: &str, label: &str) -> Result<Answer, Failure> {
    let now = shared.now();
    let managed = &mut shared.access().managed;
    let role = managed.iam.role_mut(id).ok_or_else(|| not_found(id))?;
    check_permission(label)?;
    if !role.permissions.iter().any(|permission| permission.label == label) {
        role.permissions.push(Permission { label: label.to_owned(), created: now });
        role.updated = now;
    }
    Ok(Answer::empty(204))
}

/// `DELETE /api/v1/iam/roles/{id or label}/permissions/{permission}`.
pub(super) fn remove_permission(shared: &Shared, id: &str, label: &str) -> Result<Answer, Failure> {
    let now = shared.now();
    let managed = &mut shared.access().managed;
    let role = managed.iam.role_mut(id).ok_or_else(|| not_found(id))?;
    let before = role.permissions.len();
    role.permissions.retain(|permission| permission.label != label);
    if role.permissions.len() == before {
        return Err(Failure::not_found(label, "Permission"));
    }
    role.updated = now;
    Ok(Answer::empty(204))
}

fn not_found(id: &str) -> Failure {
    Failure::not_found(id, "CustomRole")
}

fn find<'a>(managed: &'a Managed, id: &str) -> Result<&'a CustomRole, Failure> {
    managed.iam.role(id).ok_or_else(|| not_found(id))
}

fn check_label(managed: &Managed, label: &str, own_id: Option<&str>) -> Result<(), Failure> {
    let is_taken = |role: &CustomRole| role.label == label && Some(role.id.as_str()) != own_id;
    if managed.iam.roles.iter().any(is_taken) {
        return Err(Failure::invalid("label", "label: There is already an admin role with this name."));
    }
    Ok(())
}

fn check_permission(label: &str) -> Result<(), Failure> {
    if label.starts_with("okta.") && label.split('.').count() > 2 {
        return Ok(());
    }
    Err(Failure::invalid("permissions", &format!("permissions: The permission {label} is invalid")))
}

fn answer(shared: &Shared, role: &CustomRole) -> Answer {
    linked(Answer::json(200, record(&write(shared, role))), &format!("{}/api/v1/iam/roles/{}", admin(shared), role.id))
}

/// Permissions are not echoed (recorded).
fn write(shared: &Shared, role: &CustomRole) -> [(&'static str, Value); 7] {
    let own = format!("{}/api/v1/iam/roles/{}", admin(shared), role.id);
    [
        ("id", role.id.as_str().into()),
        ("label", role.label.as_str().into()),
        ("isCloneable", false.into()),
        ("description", role.description.as_str().into()),
        ("created", role.created.text().into()),
        ("lastUpdated", role.updated.text().into()),
        ("_links", json!({"permissions": {"href": format!("{own}/permissions")}, "self": {"href": own}})),
    ]
}

fn permission_url(shared: &Shared, role: &CustomRole, label: &str) -> String {
    format!("{}/api/v1/iam/roles/{}/permissions/{}", admin(shared), role.id, encode_segment(label))
}

fn write_permission(shared: &Shared, role: &CustomRole, permission: &Permission) -> [(&'static str, Value); 5] {
    let role_url = format!("{}/api/v1/iam/roles/{}", admin(shared), role.id);
    [
        ("label", permission.label.as_str().into()),
        ("created", permission.created.text().into()),
        ("lastUpdated", permission.created.text().into()),
        ("conditions", Value::Null),
        ("_links", json!({"role": {"href": role_url}, "self": {"href": permission_url(shared, role, &permission.label)}})),
    ]
}
