//! What is managed through the API: apps, their grants and roles, custom roles, API tokens.

use super::api_token::ApiToken;
use super::app::{App, AppStatus};
use super::grant::Grant;
use super::iam::{Iam, Member};
use super::rights::Rights;
use super::role::Role;
use super::share::Share;
use crate::id::{Id, Kind};
use crate::moment::Moment;
use std::collections::HashMap;

/// Everything that calls of the management API change. A clone is taken back when such a call is to have changed nothing.
#[derive(Debug, Clone)]
pub(crate) struct Managed {
    seed: u64,
    /// In the order of their ids; what was deleted leaves an empty place.
    pub(crate) apps: Vec<Option<App>>,
    /// The place of the app that the emulator's credentials belong to.
    pub(crate) reader: usize,
    pub(crate) grants: Vec<Grant>,
    pub(crate) iam: Iam,
    pub(crate) api_tokens: Vec<ApiToken>,
    pub(crate) shares: Vec<Share>,
    /// The role that new service apps get without being asked, an org's setting.
    pub(crate) role_of_new_apps: Role,
    /// How many ids of each kind were given.
    given: HashMap<Kind, u32>,
}

impl Managed {
    /// An org with these apps. The app that the emulator's credentials belong to is to be the next one.
    pub(crate) fn new(seed: u64, apps: Vec<Option<App>>) -> Self {
        let given = HashMap::from([(Kind::App, apps.len() as u32)]);
        Self {
            seed,
            reader: apps.len(),
            apps,
            grants: Vec::new(),
            iam: Iam::default(),
            api_tokens: Vec::new(),
            shares: Vec::new(),
            role_of_new_apps: Role::None,
            given,
        }
    }

    /// A new id.
    pub(crate) fn id(&mut self, kind: Kind) -> Id {
        let given = self.given.entry(kind).or_default();
        let id = Id::new(self.seed, kind, *given);
        *given += 1;
        id
    }

    /// Puts a new app into the place that its id names.
    pub(crate) fn add_app(&mut self, app: App) {
        let place = Id::index(app.id.as_str()).unwrap_or_default() as usize;
        if self.apps.len() <= place {
            self.apps.resize_with(place + 1, || None);
        }
        if let Some(free) = self.apps.get_mut(place) {
            *free = Some(app);
        }
    }

    /// Takes everything back to how it was, except that no id is given a second time.
    pub(crate) fn take_back(&mut self, before: Self) {
        let given = std::mem::take(&mut self.given);
        *self = Self { given, ..before };
    }

    pub(crate) fn app(&self, place: usize) -> Option<&App> {
        self.apps.get(place)?.as_ref()
    }

    pub(crate) fn app_mut(&mut self, place: usize) -> Option<&mut App> {
        self.apps.get_mut(place)?.as_mut()
    }

    /// The place of the app with this id.
    pub(crate) fn place(&self, app_id: &str) -> Option<usize> {
        let place = Id::index(app_id)? as usize;
        self.app(place).filter(|app| app.id.as_str() == app_id).map(|_| place)
    }

    /// The place of the app with this client id.
    pub(crate) fn place_of_client(&self, client_id: &str) -> Option<usize> {
        self.apps.iter().position(|app| app.as_ref().and_then(App::client_id) == Some(client_id))
    }

    /// The grants of a client that were not taken back.
    pub(crate) fn listed_grants<'a>(&'a self, client_id: &'a str) -> impl Iterator<Item = &'a Grant> {
        self.grants.iter().filter(move |grant| grant.client_id == client_id && grant.span.is_listed())
    }

    /// Whether the app has power: a scope, or a role.
    pub(crate) fn has_grants(&self, app: &App) -> bool {
        app.client_id().is_some_and(|client_id| self.listed_grants(client_id).next().is_some())
    }

    pub(crate) fn has_role(&self, app: &App) -> bool {
        app.listed_roles().next().is_some() || app.client_id().is_some_and(|client_id| self.iam.listed_of(client_id).next().is_some())
    }

    /// Whether an access token of the app may have this scope now.
    pub(crate) fn is_granted(&self, place: usize, scope: &str, millis: i64) -> bool {
        let Some(app) = self.app(place) else { return false };
        let (now, client_id) = (app.progress(millis), app.client_id());
        self.grants.iter().any(|grant| Some(grant.client_id.as_str()) == client_id && grant.scope == scope && grant.span.is_effective(now))
    }

    /// What the roles of an app allow now.
    pub(crate) fn rights_of(&self, place: usize, millis: i64) -> Rights {
        let mut rights = Rights::default();
        let Some(app) = self.app(place) else { return rights };
        let now = app.progress(millis);
        for assigned in app.roles.iter().filter(|assigned| assigned.span.is_effective(now)) {
            rights.add_role(assigned.role);
        }
        for binding in &self.iam.bindings {
            let is_meant = matches!(&binding.member, Member::Client(id) if Some(id.as_str()) == app.client_id());
            if !is_meant || !binding.span.is_effective(now) {
                continue;
            }
            if let (Some(role), Some(set)) = (self.iam.role(binding.role.as_str()), self.iam.set(binding.set.as_str())) {
                let permissions: Vec<&str> = role.permissions.iter().map(|permission| permission.label.as_str()).collect();
                rights.add_custom(&permissions, set.resources.iter().map(|entry| &entry.resource));
            }
        }
        rights
    }

    /// Deletes an app, with its roles. Its grants stay with its client id (recorded).
    pub(crate) fn delete_app(&mut self, place: usize) {
        let Some(app) = self.apps.get_mut(place).and_then(Option::take) else { return };
        if let Some(client_id) = app.client_id() {
            self.iam.bindings.retain(|binding| !matches!(&binding.member, Member::Client(id) if id == client_id));
        }
    }

    /// Whether this access token's app is the one that it was made for, and in use without a break since.
    pub(crate) fn is_in_use(&self, place: usize, epoch: u32) -> bool {
        self.app(place).is_some_and(|app| app.status == AppStatus::Active && app.epoch == epoch)
    }

    /// Adds an API token of the admin with this role; returns its id.
    pub(crate) fn add_api_token(&mut self, name: String, secret: String, role: Role, now: Moment) -> String {
        let id = self.id(Kind::ApiToken);
        let owner = match role {
            Role::SuperAdmin => 0,
            other => 1 + Role::ALL.iter().position(|known| *known == other).unwrap_or_default() as u32,
        };
        let text = id.to_string();
        self.api_tokens.push(ApiToken { id, name, secret, role, owner, created: now, used: now, is_revoked: false });
        text
    }
}
