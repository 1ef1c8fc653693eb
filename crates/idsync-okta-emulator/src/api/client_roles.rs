//! The admin roles of clients.

use super::apps::not_found as app_not_found;
use super::json::{body, list as rows, needed, record};
use super::roles::admin;
use crate::auth::Caller;
use crate::id::Kind;
use crate::org::{App, Binding, Managed, Member, Role, RoleAssignment, Shared, Span, Statuses, effects};
use crate::server::{Answer, Call, Failure};
use serde_json::{Map, Value, json};

/// `GET /oauth2/v1/clients/{id}`; as much of a client as lookups need.
pub(super) fn client(shared: &Shared, client_id: &str, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.sees_apps() {
        return Err(Failure::no_permission());
    }
    let access = shared.access();
    let place = find(&access.managed, client_id)?;
    let Some((app, client)) = access.managed.app(place).and_then(|app| Some((app, app.client.as_ref()?))) else {
        return Err(app_not_found(client_id));
    };
    let setting = |name: &str| client.settings.get(name).cloned().unwrap_or_default();
    Ok(super::json::answer(
        200,
        &[
            ("client_id", client_id.into()),
            ("client_id_issued_at", app.created.seconds().into()),
            ("client_name", app.label.as_str().into()),
            ("client_uri", Value::Null),
            ("logo_uri", Value::Null),
            ("redirect_uris", json!([])),
            ("response_types", setting("response_types")),
            ("grant_types", setting("grant_types")),
            ("token_endpoint_auth_method", client.auth_method.as_str().into()),
            ("application_type", if client.is_service { "service" } else { "web" }.into()),
        ],
    ))
}

/// `GET /oauth2/v1/clients/{id}/roles`.
pub(super) fn list(shared: &Shared, call: &Call, client_id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let access = shared.access();
    let managed = &access.managed;
    let app = managed.app(find(managed, client_id)?).ok_or_else(|| not_found(client_id))?;
    rows(shared, call, Kind::Role, write_all(shared, managed, app, client_id).into_iter().map(|(_, row)| row))
}

/// `GET /oauth2/v1/clients/{id}/roles/{id}`.
pub(super) fn one(shared: &Shared, client_id: &str, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let access = shared.access();
    let managed = &access.managed;
    let app = managed.app(find(managed, client_id)?).ok_or_else(|| not_found(client_id))?;
    let found = write_all(shared, managed, app, client_id).into_iter().find(|(known, _)| known == id);
    let (_, row) = found.ok_or_else(|| Failure::not_found(id, "RoleAssignment"))?;
    Ok(Answer::json(200, row))
}

/// `POST /oauth2/v1/clients/{id}/roles`.
pub(super) fn assign(shared: &Shared, call: &Call, client_id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let body = body(call)?;
    let (millis, now) = (shared.clock.millis(), shared.now());
    let access = &mut *shared.access();
    let place = find(&access.managed, client_id)?;
    if !access.managed.app(place).and_then(|app| app.client.as_ref()).is_some_and(|client| client.is_service) {
        return Err(Failure::okta(400, "E0000227", "Roles can only be granted to service application type."));
    }
    let (_, from) = effects(&access.managed, place, &access.quirks, access.delay, millis);
    let span = Span::starting(from);
    let kind = needed(&body, "type")?;
    let id = if kind == "CUSTOM" {
        super::roles::check_available(access.quirks.custom_roles)?;
        bind(&mut access.managed, client_id, &body, now, span)?
    } else {
        let role = Role::parse(kind).filter(|role| *role != Role::None);
        let role = role.ok_or_else(|| Failure::invalid("type", "type: The role type is invalid."))?;
        let has = access.managed.app(place).is_some_and(|app| app.listed_roles().any(|assigned| assigned.role == role));
        if has {
            return Err(Failure::okta(409, "E0000263", "Duplicate standard role assignment."));
        }
        access.managed.assign_role(place, role, now, span)
    };
    let status = if access.quirks.statuses == Statuses::Recorded { 201 } else { 200 };
    let managed = &access.managed;
    let app = managed.app(place).ok_or_else(|| not_found(client_id))?;
    let made = write_all(shared, managed, app, client_id).into_iter().find(|(known, _)| *known == id);
    Ok(Answer::json(status, made.map(|(_, row)| row).unwrap_or_default()))
}

/// `DELETE /oauth2/v1/clients/{id}/roles/{id}`.
pub(super) fn take_away(shared: &Shared, client_id: &str, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let millis = shared.clock.millis();
    let access = &mut *shared.access();
    let place = find(&access.managed, client_id)?;
    let (_, until) = effects(&access.managed, place, &access.quirks, access.delay, millis);
    let managed = &mut access.managed;
    let standard = managed.app_mut(place).into_iter().flat_map(|app| app.roles.iter_mut());
    if let Some(assigned) = { standard }.find(|assigned| assigned.span.is_listed() && assigned.id == id) {
        assigned.span.end(until);
        return Ok(Answer::empty(204));
    }
    let is_meant = |binding: &&mut Binding| {
        binding.id.as_str() == id && binding.span.is_listed() && binding.member == Member::Client(client_id.to_owned())
    };
    let binding = managed.iam.bindings.iter_mut().find(is_meant).ok_or_else(|| Failure::not_found(id, "RoleAssignment"))?;
    binding.span.end(until);
    Ok(Answer::empty(204))
}

/// Only super admins see who is an admin (Okta help: "Compare admin permissions").
fn check(caller: &Caller) -> Result<(), Failure> {
    if caller.rights.is_super() { Ok(()) } else { Err(Failure::no_permission()) }
}

fn not_found(client_id: &str) -> Failure {
    Failure::not_found(client_id, "PublicClientApp")
}

fn find(managed: &Managed, client_id: &str) -> Result<usize, Failure> {
    managed.place_of_client(client_id).ok_or_else(|| not_found(client_id))
}

/// Gives a client a custom role over a resource set; returns the id of the assignment.
fn bind(
    managed: &mut Managed,
    client_id: &str,
    body: &Map<String, Value>,
    now: crate::moment::Moment,
    span: Span,
) -> Result<String, Failure> {
    let (role, set) = (needed(body, "role")?, needed(body, "resource-set")?);
    let iam = &managed.iam;
    let role = iam.role(role).ok_or_else(|| Failure::not_found(role, "CustomRole"))?.id.clone();
    let set = iam.set(set).ok_or_else(|| Failure::not_found(set, "IAMPolicy"))?.id.clone();
    if iam.listed_of(client_id).any(|binding| binding.role == role && binding.set == set) {
        return Err(
            Failure::okta(409, "E0000090", "Duplicate role assignment exception.").because("The role specified is already assigned.")
        );
    }
    let id = managed.id(Kind::Binding);
    let member = Member::Client(client_id.to_owned());
    managed.iam.bindings.push(Binding { id: id.clone(), set, role, member, created: now, span });
    Ok(id.to_string())
}

/// All roles of a client, each with the id of its assignment.
fn write_all(shared: &Shared, managed: &Managed, app: &App, client_id: &str) -> Vec<(String, Vec<u8>)> {
    let assignee = format!("{}/oauth2/v1/clients/{client_id}", shared.base);
    let standard = app.listed_roles().map(|assigned| (assigned.id.clone(), write(assigned, "CLIENT", &assignee)));
    let custom =
        managed.iam.listed_of(client_id).map(|binding| (binding.id.to_string(), write_custom(shared, managed, binding, &assignee)));
    standard.chain(custom).collect()
}

/// A standard role that somebody has.
pub(super) fn write(assigned: &RoleAssignment, kind: &str, assignee: &str) -> Vec<u8> {
    record(&[
        ("id", assigned.id.as_str().into()),
        ("label", assigned.role.label().into()),
        ("type", assigned.role.as_str().into()),
        ("status", "ACTIVE".into()),
        ("created", assigned.created.text().into()),
        ("lastUpdated", assigned.created.text().into()),
        ("assignmentType", kind.into()),
        ("_links", json!({"assignee": {"href": assignee}})),
    ])
}

/// A custom role that a client has; the links to roles lead to the host of the admin console (recorded for users).
fn write_custom(shared: &Shared, managed: &Managed, binding: &Binding, assignee: &str) -> Vec<u8> {
    let (base, admin) = (&shared.base, admin(shared));
    let (role, set) = (&binding.role, &binding.set);
    let label = managed.iam.role(role.as_str()).map(|role| role.label.clone()).unwrap_or_default();
    let set_url = format!("{base}/api/v1/iam/resource-sets/{set}");
    record(&[
        ("id", binding.id.as_str().into()),
        ("label", label.into()),
        ("type", "CUSTOM".into()),
        ("status", "ACTIVE".into()),
        ("created", binding.created.text().into()),
        ("lastUpdated", binding.created.text().into()),
        ("assignmentType", "CLIENT".into()),
        ("resource-set", set.as_str().into()),
        ("role", role.as_str().into()),
        (
            "_links",
            json!({
                "role": {"href": format!("{admin}/api/v1/iam/roles/{role}")},
                "resource-set": {"href": set_url},
                "permissions": {"href": format!("{admin}/api/v1/iam/roles/{role}/permissions")},
                "member": {"href": format!("{set_url}/bindings/{role}/members/{}", binding.id)},
                "assignee": {"href": assignee},
            }),
        ),
    ])
}
