//! Changes that an admin makes behind the back of whoever set the apps up.

use super::app::{AppStatus, RoleAssignment};
use super::iam::Member;
use super::keys::set_status;
use super::managed::Managed;
use super::span::{Delay, Effect, Span};
use super::{App, Grant, KeyStatus, Org, Quirks, Role};
use crate::api::new_service_app;
use crate::auth::Dpop;
use crate::id::{Id, Kind};
use crate::moment::Moment;

/// The methods that name an app take the id of an app, not its client id, and answer false when there is no such app, or no such thing.
impl Org {
    /// Adds a service app with this label, which may be that of another app, and without keys, as an admin does; returns its id.
    pub fn create_app(&self, label: &str) -> String {
        let now = self.shared.now();
        new_service_app(&mut self.shared.access().managed, label, now)
    }

    /// Gives an app another label.
    pub fn rename_app(&self, app: &str, label: &str) -> bool {
        self.change_app(app, |app, _| app.label = label.to_owned())
    }

    /// Activates an app, or deactivates it, which also ends its tokens for good.
    pub fn set_app_status(&self, app: &str, status: AppStatus) -> bool {
        self.change_app(app, |app, _| app.set_status(status))
    }

    /// Sets whether the tokens of an app must be bound to a key.
    pub fn set_app_dpop(&self, app: &str, dpop: Dpop) -> bool {
        self.change_app(app, |app, _| {
            if let Some(client) = &mut app.client {
                client.dpop = dpop;
            }
        })
    }

    /// Deletes an app, also an active one.
    pub fn delete_app(&self, app: &str) -> bool {
        let managed = &mut self.shared.access().managed;
        managed.place(app).map(|place| managed.delete_app(place)).is_some()
    }

    /// Sets the status of an app's key, which is named by its `kid`.
    pub fn set_key_status(&self, app: &str, kid: &str, status: KeyStatus) -> bool {
        let managed = &mut self.shared.access().managed;
        let client = managed.place(app).and_then(|place| managed.app_mut(place)).and_then(|app| app.client.as_mut());
        client.is_some_and(|client| set_status(&mut client.keys, kid, status))
    }

    /// Grants an app a scope.
    pub fn grant_scope(&self, app: &str, scope: &str) -> bool {
        self.change_powers(app, |powers| {
            let Some(client_id) = powers.client_id.clone() else { return false };
            let by = (Id::new(powers.seed, Kind::User, 0).to_string(), "User");
            let id = powers.managed.id(Kind::Grant);
            let span = Span::starting(powers.grants_from);
            powers.managed.grants.push(Grant { id, client_id, scope: scope.to_owned(), created: powers.now, by, span });
            true
        })
    }

    /// Takes a scope away from an app. Tokens that are out keep it, as in Okta.
    pub fn take_away_grant(&self, app: &str, scope: &str) -> bool {
        self.change_powers(app, |powers| {
            let (client_id, until) = (powers.client_id.clone(), powers.grants_from);
            let is_meant =
                |grant: &&mut Grant| Some(&grant.client_id) == client_id.as_ref() && grant.scope == scope && grant.span.is_listed();
            powers.managed.grants.iter_mut().filter(is_meant).map(|grant| grant.span.end(until)).count() > 0
        })
    }

    /// Gives an app a standard role, besides those that it has.
    pub fn give_role(&self, app: &str, role: Role) -> bool {
        if role == Role::None {
            return false;
        }
        self.change_powers(app, |powers| {
            let span = Span::starting(powers.roles_from);
            powers.managed.assign_role(powers.place, role, powers.now, span);
            true
        })
    }

    /// Takes a standard role away from an app.
    pub fn take_away_role(&self, app: &str, role: Role) -> bool {
        self.change_powers(app, |powers| powers.end_roles(|assigned| assigned.role == role) > 0)
    }

    /// Takes all roles away from an app, custom ones as well.
    pub fn take_away_roles(&self, app: &str) -> bool {
        self.change_powers(app, |powers| {
            let (client_id, until) = (powers.client_id.clone(), powers.roles_from);
            let standard = powers.end_roles(|_| true);
            let is_meant = |member: &Member| matches!(member, Member::Client(id) if Some(id) == client_id.as_ref());
            let bindings = powers.managed.iam.bindings.iter_mut();
            let custom = bindings.filter(|binding| binding.span.is_listed() && is_meant(&binding.member));
            custom.map(|binding| binding.span.end(until)).count() + standard > 0
        })
    }

    /// Sets the role that service apps get when they are made through the API, without being asked: an org's setting, which gives
    /// [`Role::SuperAdmin`] where it is on. [`Role::None`] by default.
    pub fn set_role_of_new_apps(&self, role: Role) {
        self.shared.access().managed.role_of_new_apps = role;
    }

    fn change_app(&self, id: &str, change: impl FnOnce(&mut App, Moment)) -> bool {
        let (now, mut access) = (self.shared.now(), self.shared.access());
        let managed = &mut access.managed;
        let Some(app) = managed.place(id).and_then(|place| managed.app_mut(place)) else { return false };
        change(app, now);
        app.updated = now.max(app.created);
        true
    }

    fn change_powers(&self, id: &str, change: impl FnOnce(&mut Powers<'_>) -> bool) -> bool {
        let (now, millis, seed) = (self.shared.now(), self.shared.clock.millis(), self.shared.seed);
        let access = &mut *self.shared.access();
        let Some(place) = access.managed.place(id) else { return false };
        let (grants_from, roles_from) = effects(&access.managed, place, &access.quirks, access.delay, millis);
        let client_id = access.managed.app(place).and_then(App::client_id).map(str::to_owned);
        change(&mut Powers { managed: &mut access.managed, place, client_id, seed, now, grants_from, roles_from })
    }
}

/// What changes of an app's powers need.
struct Powers<'a> {
    managed: &'a mut Managed,
    place: usize,
    client_id: Option<String>,
    seed: u64,
    now: Moment,
    grants_from: Effect,
    roles_from: Effect,
}

impl Powers<'_> {
    /// Takes away the standard roles that are meant; returns how many.
    fn end_roles(&mut self, is_meant: impl Fn(&RoleAssignment) -> bool) -> usize {
        let until = self.roles_from;
        let Some(app) = self.managed.app_mut(self.place) else { return 0 };
        let roles = app.roles.iter_mut().filter(|assigned| assigned.span.is_listed() && is_meant(assigned));
        roles.map(|assigned| assigned.span.end(until)).count()
    }
}

/// When changes of an app's grants, and of its roles, that are made now have an effect.
pub(crate) fn effects(managed: &Managed, place: usize, quirks: &Quirks, requests: u32, millis: i64) -> (Effect, Effect) {
    let Some(app) = managed.app(place) else { return (Effect::default(), Effect::default()) };
    let now = app.progress(millis);
    (Delay::of_grants(quirks, requests).from(now), Delay::of_roles(quirks, requests).from(now))
}

impl Managed {
    /// Gives an app a standard role; returns the id of the assignment.
    pub(crate) fn assign_role(&mut self, place: usize, role: Role, created: Moment, span: Span) -> String {
        let id = role.common_id().unwrap_or_else(|| self.id(Kind::Role).to_string());
        if let Some(app) = self.app_mut(place) {
            app.roles.push(RoleAssignment { id: id.clone(), role, created, span });
        }
        id
    }
}
