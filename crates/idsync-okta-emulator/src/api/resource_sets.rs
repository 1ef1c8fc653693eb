//! Resource sets and what is in them.

use super::json::{body, needed, record, texts};
use super::wrapped::{linked, page};
use crate::id::Kind;
use crate::org::{DeletionInUse, Managed, Resource, ResourceSet, SetResource, Shared};
use crate::server::{Answer, Call, Failure};
use serde_json::{Value, json};

/// The most resources of a set (Okta reference: "Create a resource set").
const MOST: usize = 1000;

/// `GET /api/v1/iam/resource-sets`.
pub(super) fn list(shared: &Shared, call: &Call) -> Result<Answer, Failure> {
    let access = shared.access();
    let sets = access.managed.iam.sets.iter();
    let rows: Vec<(String, Value)> = sets.map(|set| (set.id.to_string(), write(shared, set).into_iter().collect())).collect();
    page(call, &format!("{}/api/v1/iam/resource-sets", shared.base), "resource-sets", &rows, &json!({}))
}

/// `GET /api/v1/iam/resource-sets/{id or label}`.
pub(super) fn one(shared: &Shared, id: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    Ok(answer(shared, find(&access.managed, id)?))
}

/// `POST /api/v1/iam/resource-sets`.
pub(super) fn create(shared: &Shared, call: &Call) -> Result<Answer, Failure> {
    let (body, now) = (body(call)?, shared.now());
    let (label, description) = (needed(&body, "label")?.to_owned(), needed(&body, "description")?.to_owned());
    let resources = texts(&body, "resources").filter(|resources| !resources.is_empty());
    let resources = read(shared, resources.ok_or_else(|| Failure::invalid("resources", "resources: Resources must be specified"))?)?;
    let managed = &mut shared.access().managed;
    check_label(managed, &label, None)?;
    let id = managed.id(Kind::ResourceSet);
    let mut set = ResourceSet { id, label, description, resources: Vec::new(), created: now, updated: now };
    add(managed, &mut set, resources, now)?;
    let answer = answer(shared, &set);
    managed.iam.sets.push(set);
    Ok(answer)
}

/// `PUT /api/v1/iam/resource-sets/{id or label}`.
pub(super) fn replace(shared: &Shared, call: &Call, id: &str) -> Result<Answer, Failure> {
    let (body, now) = (body(call)?, shared.now());
    let (label, description) = (needed(&body, "label")?.to_owned(), needed(&body, "description")?.to_owned());
    let managed = &mut shared.access().managed;
    let own = find(managed, id)?.id.to_string();
    check_label(managed, &label, Some(&own))?;
    let set = managed.iam.set_mut(&own).ok_or_else(|| not_found(id))?;
    (set.label, set.description, set.updated) = (label, description, now);
    Ok(answer(shared, set))
}

/// `DELETE /api/v1/iam/resource-sets/{id or label}`.
pub(super) fn delete(shared: &Shared, id: &str) -> Result<Answer, Failure> {
    let access = &mut *shared.access();
    let own = find(&access.managed, id)?.id.clone();
    let iam = &mut access.managed.iam;
    if access.quirks.deletion_in_use == DeletionInUse::Refused && iam.listed().any(|binding| binding.set == own) {
        return Err(Failure::invalid("resourceSet", "The resource set cannot be deleted because it is assigned."));
    }
    iam.bindings.retain(|binding| binding.set != own);
    iam.sets.retain(|set| set.id != own);
    Ok(Answer::empty(204))
}

/// `GET /api/v1/iam/resource-sets/{id or label}/resources`.
pub(super) fn resources(shared: &Shared, call: &Call, id: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    let set = find(&access.managed, id)?;
    let rows = set.resources.iter().map(|entry| (entry.id.to_string(), write_resource(shared, set, entry).into_iter().collect()));
    let own = url(shared, set);
    page(call, &format!("{own}/resources"), "resources", &rows.collect::<Vec<_>>(), &json!({"resource-set": {"href": own}}))
}

/// `PATCH /api/v1/iam/resource-sets/{id or label}/resources`.
pub(super) fn add_resources(shared: &Shared, call: &Call, id: &str) -> Result<Answer, Failure> {
    // Whether the set is there is looked at first (recorded).
    find(&shared.access().managed, id)?;
    let (body, now) = (body(call)?, shared.now());
    let additions = texts(&body, "additions").filter(|additions| !additions.is_empty());
    let additions = read(shared, additions.ok_or_else(|| Failure::invalid("additions", "additions: Additions must be specified"))?)?;
    let managed = &mut shared.access().managed;
    let mut set = find(managed, id)?.clone();
    add(managed, &mut set, additions, now)?;
    set.updated = now;
    let answer = answer(shared, &set);
    if let Some(place) = managed.iam.set_mut(set.id.as_str()) {
        *place = set;
    }
    Ok(answer)
}

/// `GET /api/v1/iam/resource-sets/{id or label}/resources/{id}`.
pub(super) fn resource(shared: &Shared, id: &str, resource: &str) -> Result<Answer, Failure> {
    let access = shared.access();
    let set = find(&access.managed, id)?;
    let entry = set.resources.iter().find(|entry| entry.id.as_str() == resource);
    let entry = entry.ok_or_else(|| Failure::not_found(resource, "IAMPolicyResource"))?;
    Ok(Answer::json(200, record(&write_resource(shared, set, entry))))
}

/// `DELETE /api/v1/iam/resource-sets/{id or label}/resources/{id}`.
pub(super) fn remove_resource(shared: &Shared, id: &str, resource: &str) -> Result<Answer, Failure> {
    let now = shared.now();
    let managed = &mut shared.access().managed;
    let set = managed.iam.set_mut(id).ok_or_else(|| not_found(id))?;
    let before = set.resources.len();
    set.resources.retain(|entry| entry.id.as_str() != resource);
    if set.resources.len() == before {
        return Err(Failure::not_found(resource, "IAMPolicyResource"));
    }
    set.updated = now;
    Ok(Answer::empty(204))
}

/// A resource set is a policy in such texts (recorded).
pub(super) fn not_found(id: &str) -> Failure {
    Failure::not_found(id, "IAMPolicy")
}

pub(super) fn find<'a>(managed: &'a Managed, id: &str) -> Result<&'a ResourceSet, Failure> {
    managed.iam.set(id).ok_or_else(|| not_found(id))
}

pub(super) fn url(shared: &Shared, set: &ResourceSet) -> String {
    format!("{}/api/v1/iam/resource-sets/{}", shared.base, set.id)
}

fn check_label(managed: &Managed, label: &str, own_id: Option<&str>) -> Result<(), Failure> {
    let is_taken = |set: &ResourceSet| set.label == label && Some(set.id.as_str()) != own_id;
    if managed.iam.sets.iter().any(is_taken) {
        return Err(Failure::invalid("label", "label: There is already a resource set with this name."));
    }
    Ok(())
}

fn read(shared: &Shared, texts: Vec<String>) -> Result<Vec<Resource>, Failure> {
    let org = shared.org_id();
    let read = |text: String| {
        let resource = Resource::parse(&text, &shared.base, org.as_str());
        resource.ok_or_else(|| Failure::invalid("resources", &format!("resources: The resource {text} is invalid")))
    };
    texts.into_iter().map(read).collect()
}

fn add(managed: &mut Managed, set: &mut ResourceSet, resources: Vec<Resource>, now: crate::moment::Moment) -> Result<(), Failure> {
    for resource in resources {
        if !set.resources.iter().any(|entry| entry.resource == resource) {
            set.resources.push(SetResource { id: managed.id(Kind::Resource), resource, created: now });
        }
    }
    if set.resources.len() > MOST {
        return Err(Failure::invalid("resources", "resources: The resource set has too many resources"));
    }
    Ok(())
}

fn answer(shared: &Shared, set: &ResourceSet) -> Answer {
    linked(Answer::json(200, record(&write(shared, set))), &url(shared, set))
}

fn write(shared: &Shared, set: &ResourceSet) -> [(&'static str, Value); 6] {
    let own = url(shared, set);
    [
        ("id", set.id.as_str().into()),
        ("label", set.label.as_str().into()),
        ("description", set.description.as_str().into()),
        ("created", set.created.text().into()),
        ("lastUpdated", set.updated.text().into()),
        (
            "_links",
            json!({
                "bindings": {"href": format!("{own}/bindings")}, "self": {"href": own}, "resources": {"href": format!("{own}/resources")},
            }),
        ),
    ]
}

fn write_resource(shared: &Shared, set: &ResourceSet, entry: &SetResource) -> [(&'static str, Value); 5] {
    let meant = format!("{}{}", shared.base, entry.resource.path());
    let own = format!("{}/resources/{}", url(shared, set), entry.id);
    let mut links = json!({"self": {"href": meant}, "resource": {"href": own}});
    if let Some(kind) = entry.resource.kind_link() {
        links = super::json::overlay(links, Some(&json!({kind: {"href": meant}})));
    }
    [
        ("id", entry.id.as_str().into()),
        ("orn", entry.resource.orn(shared.org_id().as_str()).into()),
        ("created", entry.created.text().into()),
        ("lastUpdated", entry.created.text().into()),
        ("_links", links),
    ]
}
