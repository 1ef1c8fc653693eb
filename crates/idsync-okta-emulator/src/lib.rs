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
//! | `GET /api/v1/org` | the org's settings |
//!
//! Where Okta's behaviour is not known the emulator takes the side that is harder on a client, or lets the test choose: see
//! [`GroupsWithoutRole`], [`Dpop::Optional`], [`Org::delete_user`]. A page size above the largest counts as the largest.
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
    AdminApps, AppStatus, Counts, CustomRoles, DeletionInUse, GrantAgain, GrantsByApps, GroupType, GroupsWithoutRole, InactiveApps,
    KeyList, KeyStatus, Labels, Lag, LifecycleBody, Network, NewApiToken, Org, Quirks, Role, Status, Statuses, Truth, TruthApiToken,
    TruthApp, TruthCustomRole, TruthGrant, TruthGroup, TruthKey, TruthResourceSet, TruthRole, TruthUser,
};
pub use rate::{Bucket, RateLimits};
pub use server::{Endpoint, Method};
