//! The management API.

mod api_tokens;
mod app_body;
mod app_json;
mod apps;
mod bindings;
mod client_roles;
mod cursor;
mod fields;
mod grants;
mod groups;
mod json;
mod jwk;
mod keys;
mod listing;
mod org;
mod page;
mod records;
mod resource_sets;
mod roles;
mod route;
mod select;
mod shares;
mod users;
mod wrapped;

pub(crate) use app_body::new_service_app;
pub(crate) use cursor::Position;
pub(crate) use org::discovery;
pub(crate) use page::{Links, Next, Page};
pub(crate) use route::answer;
