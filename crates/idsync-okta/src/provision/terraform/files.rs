//! The files that Terraform reads.

use super::hcl::Body;
use super::{Key, Place};
use crate::key::PublicJwk;
use crate::provision::{AppSpec, TokenBinding, WantedRole};

/// What the custom role allows, whatever else the scopes would.
const PERMISSIONS: [&str; 2] = ["okta.users.read", "okta.groups.read"];

/// The provider's versions: up to 6.5.5 they lost the keys of an app, and 6.14.0 was called back.
const PROVIDER: &str = "~> 6.0, >= 6.5.5, != 6.14.0";

/// The argument for bound tokens came after this version.
const PROVIDER_WITH_DPOP: &str = "~> 6.0, > 6.15.0";

pub(super) fn versions(binding: TokenBinding) -> String {
    let version = match binding {
        TokenBinding::Bearer => PROVIDER,
        TokenBinding::Dpop => PROVIDER_WITH_DPOP,
    };
    let okta = Body::new().text("source", "okta/okta").text("version", version);
    let terraform = Body::new().text("required_version", ">= 1.2").gap().block("required_providers", Body::new().block("okta =", okta));
    Body::new()
        .block("terraform", terraform)
        .gap()
        .comment("The credential comes from the environment (OKTA_API_TOKEN), so that it is in no file.")
        .block("provider \"okta\"", Body::new().argument("org_name", "var.org_name").argument("base_url", "var.base_url"))
        .render()
}

pub(super) fn variables(role: WantedRole, place: &Place) -> String {
    let (name, domain) = match &place.known {
        Some((name, domain)) => (Some(name.as_str()), Some(domain.as_str())),
        None => (None, None),
    };
    let body = Body::new()
        .block("variable \"org_name\"", variable("The org's name at Okta, such as acme for acme.okta.com.", name))
        .gap()
        .block("variable \"base_url\"", variable("Okta's domain that the org is in, such as okta.com or oktapreview.com.", domain))
        .gap()
        .block(
            "variable \"key_file\"",
            variable("Where the private key is, seen from connection.json. Terraform does not read it.", Some("key.pem")),
        );
    match role {
        WantedRole::LeastPrivilege => {
            let validation = Body::new()
                .argument("condition", "contains([\"custom\", \"READ_ONLY_ADMIN\"], var.role)")
                .text("error_message", "The role is custom or READ_ONLY_ADMIN.");
            let description =
                "custom: may read users and groups, and nothing else. READ_ONLY_ADMIN: sees the whole org, for orgs without custom roles.";
            let role = variable(description, Some("custom")).gap().block("validation", validation);
            body.gap().block("variable \"role\"", role)
        }
        WantedRole::Custom | WantedRole::ReadOnlyAdmin => body,
    }
    .render()
}

fn variable(description: &str, default: Option<&str>) -> Body {
    let body = Body::new().text("description", description).argument("type", "string");
    match default {
        Some(default) => body.text("default", default),
        None => body,
    }
}

pub(super) fn main(spec: &AppSpec, key: &Key<'_>) -> String {
    let locals = Body::new().argument("domain", "\"${var.org_name}.${var.base_url}\"").argument("org", "\"https://${local.domain}\"");
    let scopes = Body::new().argument("app_id", "okta_app_oauth.reader.id").argument("issuer", "local.org").texts("scopes", &spec.scopes);
    let body = Body::new()
        .block("locals", locals)
        .gap()
        .comment("The app signs in with a private key that stays where it is; only its public half is here.")
        .block("resource \"okta_app_oauth\" \"reader\"", app(spec, key))
        .gap()
        .comment("A scope says which interfaces the app may call, ...")
        .block("resource \"okta_app_oauth_api_scope\" \"reader\"", scopes)
        .gap()
        .comment("... and a role says what it sees there.");
    match spec.role {
        WantedRole::LeastPrivilege | WantedRole::Custom => custom_role(body, spec).gap(),
        WantedRole::ReadOnlyAdmin => body,
    }
    .comment("Okta refuses changes to an app that has a role. So the role comes last, and an app that is changed gets it anew.")
    .block("resource \"okta_app_oauth_role_assignment\" \"reader\"", assignment(spec.role))
    .render()
}

fn app(spec: &AppSpec, key: &Key<'_>) -> Body {
    let body = Body::new()
        .text("label", &spec.label)
        .text("type", "service")
        .texts("grant_types", &["client_credentials"])
        .texts("response_types", &["token"])
        .text("token_endpoint_auth_method", "private_key_jwt");
    let body = match spec.binding {
        // Left out, because providers up to 6.15.0 do not know the argument and Okta's default is the same.
        TokenBinding::Bearer => body,
        TokenBinding::Dpop => body.argument("dpop_bound_access_tokens", "true"),
    };
    match key {
        Key::Jwk(key) => body.gap().block("jwks", jwk(key)),
        Key::Address(url) => body.text("jwks_uri", url.as_str()),
    }
}

/// The members that the provider takes: it knows neither `crv` nor `alg` nor `use`.
fn jwk(key: &PublicJwk) -> Body {
    let members = [("e", &key.e), ("n", &key.n), ("x", &key.x), ("y", &key.y)];
    let body = Body::new().text("kty", key.kty).text("kid", &key.kid);
    members.into_iter().fold(body, |body, (name, value)| match value {
        Some(value) => body.text(name, value),
        None => body,
    })
}

fn custom_role(body: Body, spec: &AppSpec) -> Body {
    let start = || match spec.role {
        WantedRole::LeastPrivilege => Body::new().argument("count", "var.role == \"custom\" ? 1 : 0"),
        WantedRole::Custom | WantedRole::ReadOnlyAdmin => Body::new(),
    };
    let role = start()
        .text("label", &spec.role_label())
        .text("description", "May read users and groups, and nothing else.")
        .texts("permissions", &PERMISSIONS);
    let set = start()
        .text("label", &spec.resource_set_label())
        .text("description", "All users and all groups.")
        .argument("resources", "[\"${local.org}/api/v1/users\", \"${local.org}/api/v1/groups\"]");
    body.block("resource \"okta_admin_role_custom\" \"reader\"", role).gap().block("resource \"okta_resource_set\" \"reader\"", set)
}

fn assignment(role: WantedRole) -> Body {
    let body = Body::new().argument("client_id", "okta_app_oauth.reader.client_id");
    let body = match role {
        WantedRole::LeastPrivilege => body
            .argument("type", "var.role == \"custom\" ? \"CUSTOM\" : \"READ_ONLY_ADMIN\"")
            .argument("role", "one(okta_admin_role_custom.reader[*].id)")
            .argument("resource_set", "one(okta_resource_set.reader[*].id)"),
        WantedRole::Custom => body
            .text("type", "CUSTOM")
            .argument("role", "okta_admin_role_custom.reader.id")
            .argument("resource_set", "okta_resource_set.reader.id"),
        WantedRole::ReadOnlyAdmin => body.text("type", "READ_ONLY_ADMIN"),
    };
    body.gap()
        .argument("depends_on", "[okta_app_oauth.reader, okta_app_oauth_api_scope.reader]")
        .gap()
        .block("lifecycle", Body::new().argument("replace_triggered_by", "[okta_app_oauth.reader]"))
}

pub(super) fn outputs() -> String {
    let output = |description: &str, value: &str| Body::new().text("description", description).argument("value", value);
    let connection = "jsonencode({ org = local.domain, client_id = okta_app_oauth.reader.client_id, key_file = var.key_file })";
    Body::new()
        .block("output \"client_id\"", output("The id under which the app signs in.", "okta_app_oauth.reader.client_id"))
        .gap()
        .block("output \"domain\"", output("The org's host.", "local.domain"))
        .gap()
        .block("output \"connection\"", output("What sync --connection reads.", connection))
        .render()
}
