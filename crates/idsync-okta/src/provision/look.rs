//! Looking at what there is.

use super::label::{first_word, in_one_form};
use super::spec::AppSpec;
use super::state::{App, ClientRole, Grant, Named, RateLimit, text, value, values};
use super::steps::{Found, PERMISSIONS, RESOURCES};
use crate::client::{Get, OktaClient};
use crate::error::{Error, ErrorDetail, SetupFault};
use crate::paginate::{Listing, pages};
use crate::transport::Route;
use futures::TryStreamExt;
use serde_json::Value;
use url::Url;

/// The administrator's side of an org.
#[derive(Debug, Clone)]
pub(super) struct Admin {
    pub(super) client: OktaClient,
}

impl Admin {
    /// The address below the org, of segments that are encoded here.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.client.org().origin().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        url
    }

    /// Reads one thing; `None` when it is not there.
    pub(super) async fn read(&self, route: Route, url: Url) -> Result<Option<Value>, Error> {
        match self.client.inner.get(&mut Get::new(route, url), value).await {
            Ok(fetched) => Ok(Some(fetched.value)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a list that has no pages.
    async fn list(&self, route: Route, url: Url) -> Result<Vec<Value>, Error> {
        match self.read(route, url).await? {
            Some(Value::Array(items)) => Ok(items),
            None => Ok(Vec::new()),
            Some(_) => Err(Error::Decode { operation: route.operation(), reason: "not of the documented shape" }),
        }
    }

    /// Looks at everything that a specification is about.
    pub(super) async fn look(&self, spec: &AppSpec) -> Result<Found, Error> {
        let mut found = Found::default();
        self.find_app(spec.label(), &mut found).await?;
        self.look_at_app(spec, &mut found).await?;
        Ok(found)
    }

    /// Looks at what belongs to the app, where there is one.
    pub(super) async fn look_at_app(&self, spec: &AppSpec, found: &mut Found) -> Result<(), Error> {
        if let Some(app) = &found.app {
            found.grants = self.grants(&app.id).await?;
            found.roles = self.roles(&app.client_id).await?;
            if spec.rate_share.is_some() {
                found.rate_limit = self.rate_limit(&app.id).await?;
            }
        }
        Ok(())
    }

    /// Finds the app with exactly this label, but for blanks: the search finds all that begin like it, and labels need not be unique.
    pub(super) async fn find_app(&self, label: &str, found: &mut Found) -> Result<(), Error> {
        let label = in_one_form(label);
        let listing = Listing::new(&self.client, Route::Apps, Route::Apps.template(), 200, None);
        let listing = listing.with("q", first_word(&label)).with("includeNonDeleted", "true");
        let mut all = pages(self.client.clone(), listing, values);
        let mut apps = Vec::new();
        while let Some(page) = all.try_next().await? {
            apps.extend(page.items.iter().filter_map(App::read).filter(|app| in_one_form(&app.label) == label));
        }
        apps.sort_by(|one, other| (&one.created, &one.id).cmp(&(&other.created, &other.id)));
        let foreign = apps.iter().find(|app| !app.is_ours).map(|app| app.id.clone());
        let mut ours = apps.into_iter().filter(|app| app.is_ours);
        found.app = ours.next();
        found.duplicates = ours.map(|app| app.id).collect();
        match foreign {
            Some(app_id) if found.app.is_none() => Err(Error::Setup {
                operation: Route::Apps.operation(),
                fault: SetupFault::ForeignApp { app_id },
                detail: ErrorDetail::default(),
            }),
            _ => Ok(()),
        }
    }

    /// The app of ours with this id, whatever its label is by now; `None` when it is gone.
    ///
    /// What is there but does not say that it was made here is an error: it may be ours all the same, so that nobody may take it for gone.
    pub(super) async fn our_app(&self, id: &str) -> Result<Option<App>, Error> {
        let Some(app) = self.app_by_id(id).await? else { return Ok(None) };
        if app.is_ours { Ok(Some(app)) } else { Err(marker_gone(Route::App, id)) }
    }

    /// The app with this id, whoever made it; `None` when there is none.
    pub(super) async fn app_by_id(&self, id: &str) -> Result<Option<App>, Error> {
        let Some(whole) = self.read(Route::App, self.url(&["api", "v1", "apps", id])).await? else { return Ok(None) };
        if whole["status"] == "DELETED" {
            return Ok(None);
        }
        let app = App::read(&whole).filter(|app| app.id == id);
        app.map(Some).ok_or(Error::Decode { operation: Route::App.operation(), reason: "not of the documented shape" })
    }

    pub(super) async fn grants(&self, app: &str) -> Result<Vec<Grant>, Error> {
        let grants = self.list(Route::Grants, self.url(&["api", "v1", "apps", app, "grants"])).await?;
        Ok(grants.iter().filter_map(Grant::read).collect())
    }

    pub(super) async fn roles(&self, client: &str) -> Result<Vec<ClientRole>, Error> {
        let roles = self.list(Route::ClientRoles, self.url(&["oauth2", "v1", "clients", client, "roles"])).await?;
        Ok(roles.iter().filter_map(ClientRole::read).collect())
    }

    /// The custom role with this label, and which of the wanted permissions it has.
    pub(super) async fn custom_role(&self, label: &str) -> Result<Option<Named>, Error> {
        let Some(role) = self.read(Route::CustomRole, self.url(&["api", "v1", "iam", "roles", label])).await? else { return Ok(None) };
        let Some(mut role) = Named::read(&role) else { return Ok(None) };
        check_ours(Route::CustomRole, &role)?;
        let url = self.url(&["api", "v1", "iam", "roles", &role.id, "permissions"]);
        let permissions = self.read(Route::Permissions, url).await?.unwrap_or_default();
        let has = |wanted: &&str| listed(&permissions, "permissions").iter().any(|permission| permission["label"] == **wanted);
        role.has = PERMISSIONS.iter().filter(|wanted| has(wanted)).map(|wanted| (*wanted).to_owned()).collect();
        Ok(Some(role))
    }

    /// The resource set with this label, and which of users and groups are in it.
    pub(super) async fn resource_set(&self, label: &str) -> Result<Option<Named>, Error> {
        let Some(set) = self.read(Route::ResourceSet, self.url(&["api", "v1", "iam", "resource-sets", label])).await? else {
            return Ok(None);
        };
        let Some(mut set) = Named::read(&set) else { return Ok(None) };
        check_ours(Route::ResourceSet, &set)?;
        let url = self.url(&["api", "v1", "iam", "resource-sets", &set.id, "resources"]);
        let resources = self.read(Route::Resources, url).await?.unwrap_or_default();
        let resources = listed(&resources, "resources");
        let has = |wanted: &&&str| {
            resources.iter().any(|resource| {
                let orn = text(&resource["orn"]).is_some_and(|orn| orn.ends_with(&format!(":{wanted}")));
                let href = text(&resource["_links"]["self"]["href"]).is_some_and(|href| href.ends_with(&format!("/api/v1/{wanted}")));
                orn || href
            })
        };
        set.has = RESOURCES.iter().filter(has).map(|wanted| (*wanted).to_owned()).collect();
        Ok(Some(set))
    }

    async fn rate_limit(&self, app: &str) -> Result<Option<RateLimit>, Error> {
        let listing = Listing::new(&self.client, Route::RateLimits, Route::RateLimits.template(), 50, None);
        let listing = listing.with("filter", r#"principalType eq "OAUTH_CLIENT""#);
        let mut all = pages(self.client.clone(), listing, values);
        loop {
            let page = match all.try_next().await {
                Ok(Some(page)) => page,
                Ok(None) | Err(Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Some(limit) = page.items.iter().find_map(|limit| RateLimit::read(limit, app)) {
                return Ok(Some(limit));
            }
        }
    }
}

/// What was not made here is neither used nor changed: who knows what else it allows, and to whom.
fn check_ours(route: Route, named: &Named) -> Result<(), Error> {
    if named.is_ours {
        return Ok(());
    }
    let fault = SetupFault::ForeignRole { id: named.id.clone() };
    Err(Error::Setup { operation: route.operation(), fault, detail: ErrorDetail::default() })
}

/// What was made here, and does not say so any more.
pub(super) fn marker_gone(route: Route, id: &str) -> Error {
    Error::Setup { operation: route.operation(), fault: SetupFault::MarkerGone { id: id.to_owned() }, detail: ErrorDetail::default() }
}

/// The items of a list that is wrapped in an object.
fn listed<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object[name].as_array().map_or(&[], Vec::as_slice)
}
