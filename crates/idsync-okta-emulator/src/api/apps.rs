//! Apps.

use super::app_body::{self, Draft};
use super::app_json::{self, Secret};
use super::cursor::Form;
use super::json::body;
use super::listing::Listing;
use super::page::Page;
use super::records::AppRecord;
use crate::auth::Caller;
use crate::id::{Kind, letters};
use crate::org::{AdminApps, App, AppStatus, InactiveApps, Labels, LifecycleBody, Managed, Role, Shared, Span};
use crate::search::{Dialect, Expression};
use crate::server::{Answer, Call, Failure};

/// `GET /api/v1/apps`: in the order in which the apps were made.
pub(super) fn list(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.sees_apps() {
        return Err(Failure::no_permission());
    }
    let invalid = || Failure::okta(400, "E0000031", "Invalid search criteria.");
    let filter = call.query.get("filter").map(|text| Expression::parse(text, Dialect::AppFilter).ok_or_else(invalid)).transpose()?;
    let words = call.query.get("q").map(str::to_lowercase);
    let (listing, start) = Listing::of(shared, call, Form::Id, Kind::App)?;
    let mut page = Page::new(listing, start);
    let most = call.limit().unwrap_or(1).min(call.most_rows.unwrap_or(usize::MAX));
    let access = shared.access();
    let shows_inactive = access.quirks.inactive_apps == InactiveApps::Listed || call.query.get("includeNonDeleted") == Some("true");
    let is_listed = |app: &App| {
        let starts = |text: &str| words.as_ref().is_none_or(|words| text.to_lowercase().starts_with(words));
        (starts(&app.label) || starts(&app.name))
            && (shows_inactive || app.status == AppStatus::Active)
            && filter.as_ref().is_none_or(|filter| filter.is_met(&AppRecord::new(app), Dialect::AppFilter))
    };
    let first = start.after.map_or(0, |index| index.saturating_add(1));
    let apps = access.managed.apps.iter().zip(0_u32..).skip(first as usize);
    let mut apps = apps.filter_map(|(app, index)| Some((index, app.as_ref().filter(|app| is_listed(app))?)));
    for (index, app) in apps.by_ref().take(most) {
        page.push(index, &app_json::app(shared, app, Secret::Hidden));
    }
    page.end(apps.next().map(|(index, _)| index));
    Ok(Answer::page(page))
}

/// `GET /api/v1/apps/{id}`.
pub(super) fn one(shared: &Shared, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.sees_apps() {
        return Err(Failure::no_permission());
    }
    let access = shared.access();
    let app = find(&access.managed, id)?;
    Ok(Answer::json(200, app_json::app(shared, app, Secret::Hidden)))
}

/// `POST /api/v1/apps`.
pub(super) fn create(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.manages_apps() {
        return Err(Failure::no_permission());
    }
    let (body, now, secret) = (body(call)?, shared.now(), letters(shared.number(), 64));
    let access = &mut *shared.access();
    let managed = &mut access.managed;
    let draft = app_body::read(&body, managed, now)?;
    check_label(managed, access.quirks.labels, &draft, None)?;
    let wanted_id = draft.client.as_ref().and_then(|client| client.id.as_deref());
    if wanted_id.is_some_and(|id| managed.place_of_client(id).is_some()) {
        // What Okta answers is not known.
        return Err(Failure::invalid("client_id", "'client_id' must be unique."));
    }
    // The apps that Okta makes itself do not count.
    let own = managed.apps.iter().flatten().filter(|app| !app_body::is_built_in(&app.name)).count();
    if access.quirks.app_quota.is_some_and(|quota| own >= quota) {
        let cause = "Cannot create application instance. Maximum number of instances has been reached.";
        return Err(Failure::invalid("generalSettings", cause));
    }
    let status = if call.query.get("activate") == Some("false") { AppStatus::Inactive } else { AppStatus::Active };
    let id = managed.id(Kind::App);
    let app = draft.into_app(id.clone(), status, || secret, now);
    let answer = app_json::app(shared, &app, Secret::Shown);
    let is_service = app.client.as_ref().is_some_and(|client| client.is_service);
    managed.add_app(app);
    if let (true, Some(place), role) = (is_service, managed.place(id.as_str()), managed.role_of_new_apps)
        && role != Role::None
    {
        managed.assign_role(place, role, now, Span::default());
    }
    Ok(Answer::json(200, answer))
}

/// `PUT /api/v1/apps/{id}`.
pub(super) fn replace(shared: &Shared, call: &Call, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.manages_apps() {
        return Err(Failure::no_permission());
    }
    let (body, now, secret) = (body(call)?, shared.now(), letters(shared.number(), 64));
    let access = &mut *shared.access();
    let managed = &mut access.managed;
    let place = managed.place(id).ok_or_else(|| not_found(id))?;
    let draft = app_body::read(&body, managed, now)?;
    let app = find(managed, id)?;
    if managed.has_role(app) {
        let may = match access.quirks.admin_apps {
            AdminApps::ChangedByAll => caller.rights.is_super(),
            AdminApps::ChangedByNobody => false,
            AdminApps::ChangedByUsers => caller.rights.is_super() && caller.is_user(),
        };
        if !may {
            return Err(Failure::no_permission());
        }
    }
    if draft.name != app.name || draft.sign_on_mode != app.sign_on_mode {
        return Err(Failure::invalid("name", "name: The kind of an app cannot be changed"));
    }
    check_label(managed, access.quirks.labels, &draft, Some(id))?;
    if let (Some(draft), Some(old)) = (&draft.client, &app.client) {
        if draft.id.as_ref().is_some_and(|id| *id != old.id) {
            return Err(Failure::invalid("client_id", "'client_id' cannot be changed."));
        }
        if draft.changes_keys(old) && managed.has_grants(app) && !caller.rights.is_super() {
            return Err(Failure::no_permission());
        }
    }
    let app = managed.app_mut(place).ok_or_else(|| not_found(id))?;
    if let (Some(draft), Some(old)) = (draft.client, app.client.take()) {
        app.client = Some(draft.in_place_of(&old, &app.id, || secret));
    }
    (app.label, app.shown, app.updated) = (draft.label, draft.shown, now.max(app.created));
    Ok(Answer::json(200, app_json::app(shared, app, Secret::Shown)))
}

/// `POST /api/v1/apps/{id}/lifecycle/activate` and `…/deactivate`.
pub(super) fn set_status(shared: &Shared, id: &str, status: AppStatus, caller: &Caller) -> Result<Answer, Failure> {
    let now = shared.now();
    let access = &mut *shared.access();
    let place = check_power(&access.managed, id, caller)?;
    if let Some(app) = access.managed.app_mut(place)
        && app.status != status
    {
        app.set_status(status);
        app.updated = now.max(app.created);
    }
    Ok(match access.quirks.lifecycle_body {
        LifecycleBody::Empty => Answer::empty(200),
        LifecycleBody::Object => Answer::json(200, "{}"),
    })
}

/// `DELETE /api/v1/apps/{id}`.
pub(super) fn delete(shared: &Shared, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    let managed = &mut shared.access().managed;
    let place = check_power(managed, id, caller)?;
    if find(managed, id)?.status == AppStatus::Active {
        let failure = Failure::okta(403, "E0000056", "Delete application forbidden.");
        return Err(failure.because("The application must be deactivated before deletion."));
    }
    managed.delete_app(place);
    Ok(Answer::empty(204))
}

pub(super) fn not_found(id: &str) -> Failure {
    Failure::not_found(id, "AppInstance")
}

pub(super) fn find<'a>(managed: &'a Managed, id: &str) -> Result<&'a App, Failure> {
    managed.place(id).and_then(|place| managed.app(place)).ok_or_else(|| not_found(id))
}

/// Refuses who may not manage this app, for which a role of the app takes a super admin; returns the place of the app.
fn check_power(managed: &Managed, id: &str, caller: &Caller) -> Result<usize, Failure> {
    if !caller.rights.manages_apps() {
        return Err(Failure::no_permission());
    }
    let place = managed.place(id).ok_or_else(|| not_found(id))?;
    if managed.has_role(find(managed, id)?) && !caller.rights.is_super() {
        return Err(Failure::no_permission());
    }
    Ok(place)
}

fn check_label(managed: &Managed, labels: Labels, draft: &Draft, own_id: Option<&str>) -> Result<(), Failure> {
    let is_taken = |app: &App| app.label == draft.label && app.status == AppStatus::Active && Some(app.id.as_str()) != own_id;
    if labels == Labels::Unique && managed.apps.iter().flatten().any(is_taken) {
        let label = &draft.label;
        let cause = format!("An active OpenID Connect Client instance with the label {label} already exists.");
        return Err(Failure::invalid("label", &cause));
    }
    Ok(())
}
