//! Who has which custom role over a resource set.

use super::json::{answer, body, needed, record, texts};
use super::resource_sets::{find, not_found, url};
use super::roles::admin;
use super::wrapped::{linked, page};
use crate::id::{Id, Kind};
use crate::moment::Moment;
use crate::org::{Binding, Iam, Member, ResourceSet, Shared, Span, effects};
use crate::server::{Answer, Call, Failure, decode_segment};
use serde_json::{Value, json};

/// `GET /api/v1/iam/resource-sets/{id or label}/bindings`.
pub(super) fn list(shared: &Shared, call: &Call, set: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    let iam = &access.managed.iam;
    let set = find(&access.managed, set)?;
    let own = url(shared, set);
    let bound = iam.roles.iter().filter(|role| members(iam, set, &role.id).next().is_some());
    let rows = bound.map(|role| {
        let links = json!({
            "self": {"href": format!("{}/api/v1/iam/roles/{}", admin(shared), role.id)},
            "members": {"href": format!("{own}/bindings/{}/members", role.id)},
        });
        (role.id.to_string(), json!({"id": role.id.as_str(), "_links": links}))
    });
    page(call, &format!("{own}/bindings"), "roles", &rows.collect::<Vec<_>>(), &json!({"resource-set": {"href": own}}))
}

/// `POST /api/v1/iam/resource-sets/{id or label}/bindings`.
pub(super) fn create(shared: &Shared, call: &Call, set: &str) -> Result<Answer, Failure> {
    find(&shared.access().managed, set)?;
    let body = body(call)?;
    let role = needed(&body, "role")?;
    let new = texts(&body, "members").filter(|members| !members.is_empty());
    let new = new.ok_or_else(|| Failure::invalid("members", "members: Members must be specified"))?;
    add(shared, set, role, &new)
}

/// `GET /api/v1/iam/resource-sets/{id or label}/bindings/{role}`.
pub(super) fn one(shared: &Shared, set: &str, role: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    let set = find(&access.managed, set)?;
    let role = bound_role(&access.managed.iam, set, role)?;
    let own = url(shared, set);
    let links = json!({
        "self": {"href": format!("{own}/bindings/{role}")}, "resource-set": {"href": own},
        "members": {"href": format!("{own}/bindings/{role}/members")},
    });
    Ok(linked(answer(200, &[("id", role.as_str().into()), ("_links", links)]), &format!("{own}/bindings/{role}")))
}

/// `DELETE /api/v1/iam/resource-sets/{id or label}/bindings/{role}`.
pub(super) fn delete(shared: &Shared, set: &str, role: &str) -> Result<Answer, Failure> {
    end(shared, set, role, |_| true)
}

/// `GET /api/v1/iam/resource-sets/{id or label}/bindings/{role}/members`.
pub(super) fn list_members(shared: &Shared, call: &Call, set: &str, role: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    let set = find(&access.managed, set)?;
    let role = bound_role(&access.managed.iam, set, role)?;
    let rows =
        members(&access.managed.iam, set, &role).map(|binding| (binding.id.to_string(), write(shared, binding).into_iter().collect()));
    let own = format!("{}/bindings/{role}", url(shared, set));
    page(call, &format!("{own}/members"), "members", &rows.collect::<Vec<_>>(), &json!({"binding": {"href": own}}))
}

/// `PATCH /api/v1/iam/resource-sets/{id or label}/bindings/{role}/members`.
pub(super) fn add_members(shared: &Shared, call: &Call, set: &str, role: &str) -> Result<Answer, Failure> {
    {
        let access = shared.access();
        bound_role(&access.managed.iam, find(&access.managed, set)?, role)?;
    }
    let new = texts(&body(call)?, "additions").filter(|additions| !additions.is_empty());
    let new = new.ok_or_else(|| Failure::invalid("additions", "additions: Additions must be specified"))?;
    add(shared, set, role, &new)
}

/// `GET /api/v1/iam/resource-sets/{id or label}/bindings/{role}/members/{id}`.
pub(super) fn member(shared: &Shared, set: &str, role: &str, id: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    let set = find(&access.managed, set)?;
    let role = bound_role(&access.managed.iam, set, role)?;
    let binding = members(&access.managed.iam, set, &role).find(|binding| binding.id.as_str() == id);
    Ok(Answer::json(200, record(&write(shared, binding.ok_or_else(|| Failure::not_found(id, "RoleAssignment"))?))))
}

/// `DELETE /api/v1/iam/resource-sets/{id or label}/bindings/{role}/members/{id}`.
pub(super) fn remove_member(shared: &Shared, set: &str, role: &str, id: &str) -> Result<Answer, Failure> {
    end(shared, set, role, |binding| binding.id.as_str() == id)
}

/// Takes the role over the set away from those members that are meant.
fn end(shared: &Shared, set: &str, role: &str, is_meant: impl Fn(&Binding) -> bool) -> Result<Answer, Failure> {
    let millis = shared.clock.millis();
    let access = &mut *shared.access();
    let managed = &mut access.managed;
    let set = find(managed, set)?.clone();
    let role_id = bound_role(&managed.iam, &set, role)?;
    let meant: Vec<Id> =
        members(&managed.iam, &set, &role_id).filter(|binding| is_meant(binding)).map(|binding| binding.id.clone()).collect();
    if meant.is_empty() {
        return Err(Failure::not_found(role, "RoleAssignment"));
    }
    for id in meant {
        let Some(at) = managed.iam.bindings.iter().position(|binding| binding.id == id) else { continue };
        let place = managed.iam.bindings.get(at).and_then(|binding| match &binding.member {
            Member::Client(client_id) => managed.place_of_client(client_id),
            Member::Group(_) | Member::User(_) => None,
        });
        let (_, until) = effects(managed, place.unwrap_or(usize::MAX), &access.quirks, access.delay, millis);
        if let Some(binding) = managed.iam.bindings.get_mut(at) {
            binding.span.end(until);
        }
    }
    Ok(Answer::empty(204))
}

/// Gives these members the role over the set; who has it already keeps it.
fn add(shared: &Shared, set: &str, role: &str, new: &[String]) -> Result<Answer, Failure> {
    let (millis, now) = (shared.clock.millis(), shared.now());
    let access = &mut *shared.access();
    let managed = &mut access.managed;
    let set = find(managed, set)?.clone();
    let role = managed.iam.role(role).ok_or_else(|| Failure::not_found(role, "CustomRole"))?.id.clone();
    let mut wanted = Vec::new();
    for text in new {
        let member = read(shared, text).ok_or_else(|| Failure::invalid("members", &format!("members: The member {text} is invalid")))?;
        let place = match &member {
            Member::Client(id) => managed.place_of_client(id).ok_or_else(|| Failure::not_found(id, "PublicClientApp"))?,
            Member::Group(_) | Member::User(_) => usize::MAX,
        };
        if !members(&managed.iam, &set, &role).any(|binding| binding.member == member) {
            wanted.push((member, effects(managed, place, &access.quirks, access.delay, millis).1));
        }
    }
    for (member, from) in wanted {
        let id = managed.id(Kind::Binding);
        let binding = Binding { id, set: set.id.clone(), role: role.clone(), member, created: now, span: Span::starting(from) };
        managed.iam.bindings.push(binding);
    }
    let own = url(shared, &set);
    let links = json!({
        "resource-set": {"href": own}, "bindings": {"href": format!("{own}/bindings")}, "self": {"href": format!("{own}/bindings/{role}")},
    });
    Ok(linked(answer(200, &[("_links", links)]), &format!("{own}/bindings/{role}")))
}

fn read(shared: &Shared, url: &str) -> Option<Member> {
    let parts: Vec<&str> = url.strip_prefix(&shared.base)?.split('/').skip(1).collect();
    match parts.as_slice() {
        ["oauth2", "v1", "clients", id] => Some(Member::Client(decode_segment(id))),
        ["api", "v1", "groups", id] => Some(Member::Group(decode_segment(id))),
        ["api", "v1", "users", id] => Some(Member::User(decode_segment(id))),
        _ => None,
    }
}

fn members<'a>(iam: &'a Iam, set: &'a ResourceSet, role: &'a Id) -> impl Iterator<Item = &'a Binding> {
    iam.listed().filter(move |binding| binding.set == set.id && binding.role == *role)
}

/// The id of a role that somebody has over the set.
fn bound_role(iam: &Iam, set: &ResourceSet, role: &str) -> Result<Id, Failure> {
    let id = iam.role(role).map(|role| role.id.clone()).ok_or_else(|| Failure::not_found(role, "CustomRole"))?;
    let is_bound = members(iam, set, &id).next().is_some();
    if is_bound { Ok(id) } else { Err(not_found(role)) }
}

fn write(shared: &Shared, binding: &Binding) -> [(&'static str, Value); 4] {
    let base = &shared.base;
    let meant = match &binding.member {
        Member::Client(id) => format!("{base}/oauth2/v1/clients/{id}"),
        Member::Group(id) => format!("{base}/api/v1/groups/{id}"),
        Member::User(id) => format!("{base}/api/v1/users/{id}"),
    };
    // The time is the midnight of the day (recorded).
    let day = Moment::from_seconds(binding.created.seconds().div_euclid(86_400) * 86_400).text();
    [
        ("id", binding.id.as_str().into()),
        ("created", day.as_str().into()),
        ("lastUpdated", day.into()),
        ("_links", json!({"self": {"href": meant}})),
    ]
}
