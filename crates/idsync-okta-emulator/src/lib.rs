//! A small Okta org over HTTP, for tests: in process, or as a program.
//!
//! It answers as recorded orgs do, quirks included, checks client assertions and proofs of possession itself, keeps rate limits, and goes
//! wrong on demand. What it holds follows from a seed: the same seed, the same people.
//!
//! ```
//! use idsync_okta_emulator::{Endpoint, Fault, FaultKind, OktaEmulator};
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let emulator = OktaEmulator::builder().seed(7).users(300).groups(20).memberships(2_000).start().await?;
//!
//! // A client reads it: at `url`, as the app `client_id`, with the key `private_key_pem`.
//! println!("{} {} {}", emulator.url(), emulator.client_id(), emulator.key_id());
//!
//! // Meanwhile things happen in the org.
//! let org = emulator.org();
//! let group = org.create_group("Night shift", Some("Made a minute ago"));
//! let user = org.create_user(json!({"login": "nora@example.com", "email": "nora@example.com", "firstName": "Nora"}));
//! org.add_member(&group, &user);
//!
//! // And things go wrong.
//! let fault = emulator.faults().add(Fault::new(FaultKind::VanishedGroup).on(Endpoint::Members).for_id(&group));
//!
//! // Then the test compares what the client has with what is there, and requires that the fault has struck.
//! let truth = org.truth().in_scope();
//! assert!(truth.memberships.contains(&(group, user)));
//! assert_eq!(fault.fired(), 0, "nobody has asked for the members");
//! assert_eq!(emulator.requests().count(Endpoint::Members), 0);
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it answers
//!
//! | Request | Answers |
//! |---|---|
//! | `GET /.well-known/okta-organization` | the org's id and URL |
//! | `POST /oauth2/v1/token`, `POST /oauth2/v1/introspect` | client credentials with a signed assertion, with and without proof of possession |
//! | `GET /api/v1/users`, with `limit`, `after`, `search`, `sortBy`, `sortOrder`, `filter`, `q` | users; the plain list leaves out who is deactivated |
//! | `GET /api/v1/users/{id or login}`, `GET /api/v1/users/{id or login}/groups` | a user, and the user's groups |
//! | `GET /api/v1/groups`, with `limit`, `after`, `search`, `sortBy`, `sortOrder`, `filter`, `q` | groups; Everyone first, then Okta Administrators |
//! | `GET /api/v1/groups/{id}`, `GET /api/v1/groups/{id}/users` | a group, and its members, deactivated ones among them |
//! | `GET /api/v1/org`, `GET` and `PUT /api/v1/org/settings/clientPrivilegesSetting` | the org's settings |
//! | `GET /api/v1/apps`, with `q`, `filter`, `limit`, `after`, `includeNonDeleted` | apps of all kinds, those that Okta makes first |
//! | `POST /api/v1/apps`, with `activate`; `GET`, `PUT`, `DELETE /api/v1/apps/{id}`; `POST …/lifecycle/activate` and `deactivate` | an app: OpenID Connect clients and bookmarks can be made |
//! | `GET`, `POST /api/v1/apps/{id}/credentials/jwks`; `GET`, `DELETE …/{id}`; `POST …/{id}/lifecycle/activate` and `deactivate` | the keys of an app; those that are active sign its assertions |
//! | `GET`, `POST /api/v1/apps/{id}/grants`; `GET`, `DELETE …/{id}` | the scopes that an app may ask for |
//! | `GET /oauth2/v1/clients/{id}`; `GET`, `POST …/roles`; `GET`, `DELETE …/roles/{id}` | a client, and its admin roles, standard and custom |
//! | `GET`, `POST /api/v1/iam/roles`; `GET`, `PUT`, `DELETE …/{id or label}`; `GET …/permissions`; `GET`, `POST`, `DELETE …/permissions/{permission}` | custom roles |
//! | `GET`, `POST /api/v1/iam/resource-sets`; `GET`, `PUT`, `DELETE …/{id or label}`; `GET`, `PATCH …/resources`; `GET`, `DELETE …/resources/{id}` | resource sets of users, groups and apps, by URL or ORN |
//! | `GET`, `POST …/{id or label}/bindings`; `GET`, `DELETE …/bindings/{role}`; `GET`, `PATCH …/members`; `GET`, `DELETE …/members/{id}` | who has a custom role over a resource set |
//! | `GET /api/v1/api-tokens`; `GET`, `DELETE …/{id}`; `DELETE …/current` | the API tokens of admins |
//! | `GET /api/v1/users/me`, `GET /api/v1/users/{id}/roles` | the admin whose API token it is, and an admin's roles |
//! | `GET`, `POST /api/v1/principal-rate-limits`; `GET`, `PUT …/{id}` | whose share of the rate limits is not the usual half |
//!
//! What an app may do follows from its scopes and its roles, what an API token may do from the role of the admin whose it is. Everything
//! under `/api/v1/apps` but single apps is counted in the smallest of the [buckets](Bucket).
//!
//! # Which side it takes
//!
//! Where Okta's behaviour is not known the emulator takes the side that is harder on a client, or lets the test choose: see [`Quirks`],
//! [`GroupsWithoutRole`], [`Dpop::Optional`], [`Org::delete_user`]. A page size above the largest counts as the largest.
//!
//! | Not known | The emulator |
//! |---|---|
//! | granting a scope again | refuses, see [`GrantAgain`] |
//! | the form of the list of keys | sends a bare array, see [`KeyList`] |
//! | when grants and roles take effect | lets them at once, see [`Quirks::grant_delay`], [`Quirks::role_delay`], [`Org::set_access_delay`] |
//! | making an app with a client id that is taken | refuses with 400 `E0000001` |
//! | making an app for `private_key_jwt` without any key, or with a private key | refuses with 400 `E0000001` |
//! | whether links of a list of apps repeat `includeNonDeleted` | they do not |
//! | whether `PUT` may change an app that has a role | only for users, see [`AdminApps`] |
//! | whether apps may grant scopes | they may, see [`GrantsByApps`] |
//! | which admins besides super admins manage custom roles, API tokens and shares | none; see [`CustomRoles`] for orgs that have no custom roles |
//! | whether an admin who is no super admin sees the own roles | no |
//! | deleting a custom role or a resource set that somebody has | refuses, see [`DeletionInUse`] |
//! | what becomes of an app's roles when it is deleted | they go, while its grants stay with the client id (recorded) |
//! | `GET /api/v1/users/me` by an app | 404 |
//! | revoking an API token that is revoked | 401 with that token, 404 by its id |
//! | a single user or group that a custom role does not show | 403 `E0000006`; lists leave it out |
//! | a second share for somebody | refuses with 400 `E0000001` |
//!
//! # Setting an app up
//!
//! With [`OktaEmulator::setup_token`], or an API token of another admin, a client makes an app, grants it scopes and gives it a role, as in
//! a live org. The test sees what became of it, takes something away again, or lets any request fail, before the org acts or after:
//!
//! ```
//! use idsync_okta_emulator::{BodyShape, Calls, Fault, FaultKind, OktaEmulator, Role};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let emulator = OktaEmulator::builder().without_app().start().await?;
//! let limited = emulator.org().create_api_token(Role::AppAdmin);
//! println!("{} {}", emulator.setup_token(), limited.secret());
//!
//! // The third writing request is answered with 500, though it is done; the fourth is never answered.
//! emulator.faults().add(Fault::new(FaultKind::StatusAfter(500, BodyShape::Okta)).of_calls(Calls::Writing).skip(2));
//! emulator.faults().add(Fault::new(FaultKind::LostAnswer).of_calls(Calls::Writing).skip(3));
//!
//! // Then the test looks at what there is, and at who wrote what.
//! for app in emulator.org().apps() {
//!     println!("{} {:?} {:?} {:?}", app.label, app.keys, app.grants, app.roles);
//!     emulator.org().take_away_grant(&app.id, "okta.users.read");
//! }
//! for request in emulator.requests().writing() {
//!     println!("{} {} {:?} {:?}", request.method.as_str(), request.path, request.credential, request.body);
//! }
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # As a program
//!
//! ```text
//! cargo run --release -p idsync-okta-emulator -- --users 10000 --groups 500 --memberships 200000 --key-file key.pem
//! ```
//!
//! prints how to reach it, and runs until it is interrupted. `--help` names all options.
//!
//! # The control API
//!
//! What [`Org`] and [`Faults`] do is also to be had over HTTP, under `/emulator` on the same port, from this machine only:
//!
//! ```text
//! curl $URL/emulator                                                    # how to use it
//! curl $URL/emulator/users -d '{"profile": {"login": "ana@example.com", "email": "ana@example.com"}}'
//! curl -X PATCH $URL/emulator/users/$USER -d '{"status": "DEPROVISIONED"}'
//! curl -X POST $URL/emulator/groups/$GROUP/users/$USER
//! curl $URL/emulator/role -d '{"role": null}'
//! curl $URL/emulator/apps
//! curl -X DELETE $URL/emulator/apps/$APP/grants/okta.users.read
//! curl -X PATCH $URL/emulator/quirks -d '{"app_quota": 10}'
//! curl $URL/emulator/faults -d '{"kind": "status", "status": 503, "body": "html", "on": "members", "times": 2}'
//! curl $URL/emulator/truth?scope=default
//! curl $URL/emulator/requests
//! ```

mod api;
mod auth;
mod builder;
mod clock;
mod control;
mod data;
mod emulator;
mod faults;
mod id;
mod log;
mod moment;
mod org;
mod random;
mod rate;
mod search;
mod server;

pub use auth::{Dpop, KeyKind, NewKey};
pub use builder::OktaEmulatorBuilder;
pub use emulator::OktaEmulator;
pub use faults::{AddedFault, BodyShape, Calls, Fault, FaultKind, Faults, Malformed};
pub use log::{Credential, RequestEntry, RequestLog, Scheme};
pub use org::{
    AdminApps, AppStatus, Compression, Counts, CustomRoles, DeletionInUse, GrantAgain, GrantsByApps, GroupType, GroupsWithoutRole,
    InactiveApps, KeyList, KeyStatus, Labels, Lag, LifecycleBody, Network, NewApiToken, Org, Quirks, Role, Status, Statuses, Truth,
    TruthApiToken, TruthApp, TruthCustomRole, TruthGrant, TruthGroup, TruthKey, TruthResourceSet, TruthRole, TruthUser,
};
pub use rate::{Bucket, RateLimits};
pub use server::{Endpoint, Method};
