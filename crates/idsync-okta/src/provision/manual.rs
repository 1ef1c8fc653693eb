//! The same app by hand, for those who run neither this nor Terraform.

use super::spec::{AppSpec, KeySource, TokenBinding, WantedRole};
use crate::OrgUrl;
use crate::key::PublicJwk;
use crate::org_url::admin_twin;
use serde_json::json;
use url::Url;

/// How to make this app in the Admin Console of this org, as numbered steps in plain text, up to the connection file of `sync`.
///
/// It holds no secret: of a key, only its public half, to be pasted.
///
/// ```
/// # fn main() -> Result<(), idsync_okta::Error> {
/// use idsync_okta::{AppSpec, KeyKind, KeySource, NewKey, OrgUrl, manual_steps};
///
/// let key = NewKey::generate(KeyKind::Es256)?;
/// let spec = AppSpec::new("Directory sync", KeySource::Private(key.signing_key().clone()))?;
/// let steps = manual_steps(&spec, &OrgUrl::parse("acme.okta.com")?);
/// assert!(steps.starts_with("1. Sign in to https://acme-admin.okta.com"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn manual_steps(spec: &AppSpec, org: &OrgUrl) -> String {
    let mut steps = vec![sign_in(org), create(spec), register_key(&spec.key), bind(spec.binding), grant(&spec.scopes)];
    steps.extend(role(spec));
    if let Some(share) = spec.rate_share {
        steps.push(format!("Application rate limits: set the app's share to {share}. Save."));
    }
    steps.push(connect(org));
    steps.push(
        "See what a sync would do, then sync. A role can take a minute to come into force; until then, Okta shows no users.\n\
         \n\
         sync --connection connection.json --plan\n\
         sync --connection connection.json"
            .to_owned(),
    );
    let numbered: Vec<String> = steps.iter().zip(1..).map(|(step, number)| lay_out(number, step)).collect();
    numbered.join("\n")
}

fn sign_in(org: &OrgUrl) -> String {
    let console = match admin_twin(org.host()) {
        Some(host) => format!("https://{host}"),
        None => format!("the Admin Console of {org}"),
    };
    format!("Sign in to {console} as a super administrator: nobody else may grant scopes and roles.")
}

fn create(spec: &AppSpec) -> String {
    let label = spec.label();
    format!("Applications > Applications > Create App Integration > API Services > Next. Give the app this name, and save:\n\n{label}")
}

fn register_key(key: &KeySource) -> String {
    let start = "In the app, General > Client Credentials > Edit > Client authentication: Public key / Private key.";
    match key {
        KeySource::Private(key) => key.public_jwk().map_or_else(|| start.to_owned(), |jwk| paste(start, &jwk)),
        KeySource::Public(jwk) => paste(start, jwk),
        KeySource::JwksUri(url) => {
            format!(
                "{start}\nPublic keys > Configuration: Use a URL to fetch keys dynamically. Give this address, and save:\n\n{}",
                public(url)
            )
        }
    }
}

fn paste(start: &str, jwk: &PublicJwk) -> String {
    let jwk = serde_json::to_string_pretty(jwk).unwrap_or_default();
    format!(
        "{start}\nPublic keys > Configuration: Save keys in Okta > Add key. Paste this public key, Done, and save. Okta says that client \
         secrets will be deleted; the app needs none.\n\n{jwk}"
    )
}

/// The address without user name and password, which have no place in instructions.
fn public(url: &Url) -> Url {
    let mut url = url.clone();
    // Neither can fail for an address with a host, and `https` always has one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn bind(binding: TokenBinding) -> String {
    let box_state = match binding {
        TokenBinding::Bearer => "not ticked",
        TokenBinding::Dpop => "ticked",
    };
    format!(
        "General > General Settings > Edit: \"Require Demonstrating Proof of Possession (DPoP) header in token requests\" is \
         {box_state}. Save."
    )
}

fn grant(scopes: &[String]) -> String {
    format!(
        "Okta API Scopes: grant these, and no others. Load the page again, and see that they are still granted:\n\n{}",
        scopes.join("\n")
    )
}

fn role(spec: &AppSpec) -> Vec<String> {
    let read_only = "In the app, Admin roles > Edit assignments > Role: Read-Only Administrator. Save Changes.";
    let otherwise = match spec.role {
        WantedRole::ReadOnlyAdmin => return vec![read_only.to_owned()],
        WantedRole::Custom => "",
        WantedRole::LeastPrivilege => " Where the org has no custom roles, choose the role Read-Only Administrator instead.",
    };
    let (role, set) = (spec.role_label(), spec.resource_set_label());
    vec![
        format!(
            "Security > Administrators > Roles > Create new role. Permissions: \"View users and their details\" (okta.users.read) and \
             \"View groups and their details\" (okta.groups.read), and no others. Give it this name, and save:\n\n{role}"
        ),
        format!(
            "Security > Administrators > Resources > Create new resource set. Add all users and all groups. Give it this name, \
             and save:\n\n{set}"
        ),
        format!(
            "Applications > Applications > the app > Admin roles > Edit assignments. Choose this role and this resource set.{otherwise} \
             Save Changes."
        ),
    ]
}

fn connect(org: &OrgUrl) -> String {
    let connection = json!({ "org": org.to_string(), "client_id": "the Client ID", "key_file": "key.pem" });
    format!(
        "Write this into a file connection.json. The Client ID is under General > Client Credentials; key_file is the private key, seen \
         from that file, readable by you alone (chmod 600):\n\n{connection:#}"
    )
}

/// Numbers a step, and sets its further lines under the first.
fn lay_out(number: usize, step: &str) -> String {
    let mut indent = format!("{number}. ");
    let mut out = String::new();
    for line in step.lines() {
        if !line.is_empty() {
            out.push_str(&indent);
            out.push_str(line);
        }
        out.push('\n');
        indent = " ".repeat(indent.len());
    }
    out
}

#[cfg(test)]
mod tests;
