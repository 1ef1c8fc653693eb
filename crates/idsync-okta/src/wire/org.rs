//! The org's description of itself, `/.well-known/okta-organization`.

use super::{DecodeFault, parse};
use serde::Deserialize;
use url::Url;

#[derive(Deserialize)]
pub(crate) struct WireOrg {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "_links")]
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    organization: Option<Link>,
    #[serde(default)]
    alternate: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    href: Option<String>,
}

/// An org: its id, and the hosts under which it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Org {
    pub(crate) id: String,
    pub(crate) hosts: Vec<String>,
}

/// Reads the description; `None` when it is JSON but names no org.
pub(crate) fn org(body: &[u8]) -> Result<Org, DecodeFault> {
    let wire: WireOrg = parse(body)?;
    let id = wire.id.filter(|id| !id.is_empty()).ok_or(DecodeFault::NotTheShape)?;
    let links = wire.links.into_iter().flat_map(|links| [links.organization, links.alternate]);
    let urls = links.flatten().filter_map(|link| Url::parse(&link.href?).ok());
    let hosts = urls.filter_map(|url| url.host_str().map(str::to_owned)).collect();
    Ok(Org { id, hosts })
}
