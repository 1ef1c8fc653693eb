//! Who answers what, and which scope it takes.

use super::{api_tokens, apps, bindings, client_roles, grants, groups, keys, org, resource_sets, roles, shares, users};
use crate::auth::Caller;
use crate::org::{AppStatus, KeyStatus, Shared};
use crate::server::{Answer, Call, Endpoint, Failure, Method};

/// Answers somebody who is known.
pub(crate) fn answer(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    if call.endpoint == Endpoint::Other {
        return Err(Failure::not_supported());
    }
    if call.lacks_length() {
        return Err(Failure::empty(411));
    }
    if let Some(scope) = scope(call) {
        caller.needs(&scope, shared, call)?;
    }
    if is_about_custom_roles(call.endpoint) {
        roles::check(shared, caller)?;
    }
    let (id, second, third) = (call.id_at(0), call.id_at(1), call.id_at(2));
    match (call.endpoint, call.method) {
        (Endpoint::ApiToken, Method::Delete) => api_tokens::revoke(shared, id, caller),
        (Endpoint::ApiToken, _) => api_tokens::one(shared, id, caller),
        (Endpoint::ApiTokens, _) => api_tokens::list(shared, call, caller),
        (Endpoint::App, Method::Delete) => apps::delete(shared, id, caller),
        (Endpoint::App, Method::Put) => apps::replace(shared, call, id, caller),
        (Endpoint::App, _) => apps::one(shared, id, caller),
        (Endpoint::AppActivation, _) => apps::set_status(shared, id, AppStatus::Active, caller),
        (Endpoint::AppDeactivation, _) => apps::set_status(shared, id, AppStatus::Inactive, caller),
        (Endpoint::Apps, Method::Post) => apps::create(shared, call, caller),
        (Endpoint::Apps, _) => apps::list(shared, call, caller),
        (Endpoint::Binding, Method::Delete) => bindings::delete(shared, id, second),
        (Endpoint::Binding, _) => bindings::one(shared, id, second),
        (Endpoint::BindingMember, Method::Delete) => bindings::remove_member(shared, id, second, third),
        (Endpoint::BindingMember, _) => bindings::member(shared, id, second, third),
        (Endpoint::BindingMembers, Method::Patch) => bindings::add_members(shared, call, id, second),
        (Endpoint::BindingMembers, _) => bindings::list_members(shared, call, id, second),
        (Endpoint::Bindings, Method::Post) => bindings::create(shared, call, id),
        (Endpoint::Bindings, _) => bindings::list(shared, call, id),
        (Endpoint::Client, _) => client_roles::client(shared, id, caller),
        (Endpoint::ClientPrivileges, Method::Put) => org::set_privileges(shared, call, caller),
        (Endpoint::ClientPrivileges, _) => org::privileges(shared, caller),
        (Endpoint::ClientRole, Method::Delete) => client_roles::take_away(shared, id, second, caller),
        (Endpoint::ClientRole, _) => client_roles::one(shared, id, second, caller),
        (Endpoint::ClientRoles, Method::Post) => client_roles::assign(shared, call, id, caller),
        (Endpoint::ClientRoles, _) => client_roles::list(shared, call, id, caller),
        (Endpoint::CurrentApiToken, _) => api_tokens::revoke_current(shared, caller),
        (Endpoint::Grant, Method::Delete) => grants::delete(shared, id, second, caller),
        (Endpoint::Grant, _) => grants::one(shared, id, second, caller),
        (Endpoint::Grants, Method::Post) => grants::create(shared, call, id, caller),
        (Endpoint::Grants, _) => grants::list(shared, call, id, caller),
        (Endpoint::Group, _) => groups::one(shared, id, caller),
        (Endpoint::Groups, _) => groups::list(shared, call, caller),
        (Endpoint::Key, Method::Delete) => keys::delete(shared, id, second, caller),
        (Endpoint::Key, _) => keys::one(shared, id, second, caller),
        (Endpoint::KeyActivation, _) => keys::set_status(shared, id, second, KeyStatus::Active, caller),
        (Endpoint::KeyDeactivation, _) => keys::set_status(shared, id, second, KeyStatus::Inactive, caller),
        (Endpoint::Keys, Method::Post) => keys::add(shared, call, id, caller),
        (Endpoint::Keys, _) => keys::list(shared, call, id, caller),
        (Endpoint::Me, _) => api_tokens::me(shared, caller),
        (Endpoint::Members, _) => groups::members(shared, call, id, caller),
        (Endpoint::Org, _) => org::settings(shared, caller),
        (Endpoint::Permission, Method::Delete) => roles::remove_permission(shared, id, second),
        (Endpoint::Permission, Method::Post) => roles::add_permission(shared, id, second),
        (Endpoint::Permission, _) => roles::permission(shared, id, second),
        (Endpoint::Permissions, _) => roles::permissions(shared, id),
        (Endpoint::PrincipalRateLimit, Method::Put) => shares::replace(shared, call, id, caller),
        (Endpoint::PrincipalRateLimit, _) => shares::one(shared, id, caller),
        (Endpoint::PrincipalRateLimits, Method::Post) => shares::create(shared, call, caller),
        (Endpoint::PrincipalRateLimits, _) => shares::list(shared, call, caller),
        (Endpoint::Resource, Method::Delete) => resource_sets::remove_resource(shared, id, second),
        (Endpoint::Resource, _) => resource_sets::resource(shared, id, second),
        (Endpoint::ResourceSet, Method::Delete) => resource_sets::delete(shared, id),
        (Endpoint::ResourceSet, Method::Put) => resource_sets::replace(shared, call, id),
        (Endpoint::ResourceSet, _) => resource_sets::one(shared, id),
        (Endpoint::ResourceSets, Method::Post) => resource_sets::create(shared, call),
        (Endpoint::ResourceSets, _) => resource_sets::list(shared, call),
        (Endpoint::Resources, Method::Patch) => resource_sets::add_resources(shared, call, id),
        (Endpoint::Resources, _) => resource_sets::resources(shared, call, id),
        (Endpoint::Role, Method::Delete) => roles::delete(shared, id),
        (Endpoint::Role, Method::Put) => roles::replace(shared, call, id),
        (Endpoint::Role, _) => roles::one(shared, id),
        (Endpoint::Roles, Method::Post) => roles::create(shared, call),
        (Endpoint::Roles, _) => roles::list(shared, call),
        (Endpoint::User, _) => users::one(shared, id, caller),
        (Endpoint::UserGroups, _) => users::groups(shared, call, id, caller),
        (Endpoint::UserRoles, _) => api_tokens::user_roles(shared, call, id, caller),
        (Endpoint::Users, _) => users::list(shared, call, caller),
        _ => Err(Failure::not_supported()),
    }
}

/// The scope that an access token needs (Okta reference: the `security` of each operation); `None` where none helps.
fn scope(call: &Call) -> Option<String> {
    let area = match call.endpoint {
        Endpoint::ApiToken | Endpoint::ApiTokens => "apiTokens",
        Endpoint::App
        | Endpoint::AppActivation
        | Endpoint::AppDeactivation
        | Endpoint::Apps
        | Endpoint::Key
        | Endpoint::KeyActivation
        | Endpoint::KeyDeactivation
        | Endpoint::Keys => "apps",
        Endpoint::Client => "clients",
        Endpoint::ClientPrivileges | Endpoint::Org => "orgs",
        Endpoint::Grant | Endpoint::Grants => "appGrants",
        Endpoint::Group | Endpoint::Groups | Endpoint::Members => "groups",
        Endpoint::PrincipalRateLimit | Endpoint::PrincipalRateLimits => "principalRateLimits",
        Endpoint::ClientRole | Endpoint::ClientRoles | Endpoint::UserRoles => "roles",
        endpoint if is_about_custom_roles(endpoint) => "roles",
        Endpoint::Me | Endpoint::User | Endpoint::UserGroups | Endpoint::Users => "users",
        _ => return None,
    };
    Some(format!("okta.{area}.{}", if call.is_writing() { "manage" } else { "read" }))
}

fn is_about_custom_roles(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::Binding
            | Endpoint::BindingMember
            | Endpoint::BindingMembers
            | Endpoint::Bindings
            | Endpoint::Permission
            | Endpoint::Permissions
            | Endpoint::Resource
            | Endpoint::ResourceSet
            | Endpoint::ResourceSets
            | Endpoint::Resources
            | Endpoint::Role
            | Endpoint::Roles
    )
}
