use super::hcl::quoted;
use super::{TerraformFile, TerraformModule};
use crate::key::PublicJwk;
use crate::provision::{AppSpec, KeySource, TokenBinding, WantedRole};
use crate::{Error, KeyKind, NewKey, OrgUrl, RateShare};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hcl::eval::{Context, Evaluate};
use hcl::{Block, Body, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

/// The resources that the module may name, and of their arguments those that the provider documents and a service app can use.
const RESOURCES: [(&str, &[&str]); 5] = [
    (
        "okta_app_oauth",
        &[
            "admin_note",
            "auto_key_rotation",
            "client_id",
            "consent_method",
            "dpop_bound_access_tokens",
            "enduser_note",
            "grant_types",
            "hide_ios",
            "hide_web",
            "issuer_mode",
            "jwks",
            "jwks_uri",
            "label",
            "network",
            "omit_secret",
            "pkce_required",
            "response_types",
            "status",
            "token_endpoint_auth_method",
            "type",
        ],
    ),
    ("okta_app_oauth_api_scope", &["app_id", "issuer", "scopes"]),
    ("okta_admin_role_custom", &["description", "label", "permissions"]),
    ("okta_resource_set", &["description", "label", "resources", "resources_orn"]),
    ("okta_app_oauth_role_assignment", &["client_id", "resource_set", "role", "type"]),
];

/// What the provider documents of a `jwks` block.
const JWKS: [&str; 6] = ["e", "kid", "kty", "n", "x", "y"];

/// What Terraform itself knows in every resource.
const META: [&str; 3] = ["count", "depends_on", "lifecycle"];

static EC: LazyLock<NewKey> = LazyLock::new(|| NewKey::generate(KeyKind::Es256).unwrap());
static RSA: LazyLock<NewKey> = LazyLock::new(|| NewKey::generate(KeyKind::Rsa3072).unwrap());

/// The public key that the reviewed module was made with.
fn public_key() -> PublicJwk {
    PublicJwk {
        kty: "EC",
        kid: "directory-sync-1".to_owned(),
        alg: "ES256",
        usage: "sig",
        n: None,
        e: None,
        crv: Some("P-256"),
        x: Some("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".to_owned()),
        y: Some("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".to_owned()),
    }
}

fn key_sources() -> Vec<KeySource> {
    vec![
        KeySource::Private(EC.signing_key().clone()),
        KeySource::Private(RSA.signing_key().clone()),
        KeySource::Public(public_key()),
        KeySource::JwksUri("https://keys.acme.example/jwks.json?for=${var.org_name}".parse().unwrap()),
    ]
}

/// Every combination of key, role and binding.
fn specs() -> Vec<AppSpec> {
    let mut specs = Vec::new();
    for role in [WantedRole::LeastPrivilege, WantedRole::Custom, WantedRole::ReadOnlyAdmin] {
        for binding in [TokenBinding::Bearer, TokenBinding::Dpop] {
            for key in key_sources() {
                specs.push(AppSpec::new("Directory sync", key).unwrap().with_role(role).with_binding(binding));
            }
        }
    }
    specs
}

fn org() -> OrgUrl {
    OrgUrl::parse("acme.okta.com").unwrap()
}

fn module(spec: &AppSpec) -> TerraformModule {
    TerraformModule::from_spec(spec, &org()).unwrap()
}

fn labelled(label: &str) -> AppSpec {
    AppSpec::new(label, KeySource::Public(public_key())).unwrap()
}

/// All `.tf` files as one, which is how Terraform reads them.
fn parse(module: &TerraformModule) -> Body {
    let text: String = module.files().iter().filter(|file| file.name.ends_with(".tf")).map(|file| file.text.as_str()).collect();
    hcl::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn blocks<'a>(body: &'a Body, identifier: &'a str) -> impl Iterator<Item = (String, &'a Block)> {
    let name = |block: &Block| block.labels.first().map(|label| label.as_str().to_owned()).unwrap_or_default();
    body.blocks().filter(move |block| block.identifier.as_str() == identifier).map(move |block| (name(block), block))
}

fn resource<'a>(body: &'a Body, name: &'a str) -> &'a Body {
    let (_, block) = blocks(body, "resource").find(|(found, _)| found == name).unwrap();
    &block.body
}

/// What an argument without variables stands for.
fn value(body: &Body, name: &str) -> Value {
    let argument = body.attributes().find(|argument| argument.key.as_str() == name).unwrap_or_else(|| panic!("no {name}"));
    argument.expr.evaluate(&Context::new()).unwrap()
}

fn members(body: &Body) -> Vec<&str> {
    body.attributes().map(|argument| argument.key.as_str()).chain(body.blocks().map(|block| block.identifier.as_str())).collect()
}

#[test]
fn only_documented_resources_and_arguments_are_used() {
    for spec in specs() {
        let body = parse(&module(&spec));
        let kinds: BTreeSet<&str> = members(&body).into_iter().collect();
        assert_eq!(kinds, BTreeSet::from(["locals", "output", "provider", "resource", "terraform", "variable"]));
        for (name, block) in blocks(&body, "resource") {
            let (_, known) = RESOURCES.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}"));
            for member in members(&block.body) {
                assert!(known.contains(&member) || META.contains(&member), "{name}: {member}");
            }
            assert_eq!(block.labels.get(1).map(|label| label.as_str()), Some("reader"));
        }
        for (_, block) in blocks(&body, "provider") {
            assert_eq!(members(&block.body), ["org_name", "base_url"]);
        }
        for jwks in resource(&body, "okta_app_oauth").blocks().filter(|block| block.identifier.as_str() == "jwks") {
            assert!(members(&jwks.body).iter().all(|member| JWKS.contains(member)));
        }
    }
}

#[test]
fn the_app_is_what_was_asked_for() {
    for spec in specs() {
        let body = parse(&module(&spec));
        let app = resource(&body, "okta_app_oauth");
        assert_eq!(value(app, "label"), Value::from("Directory sync"));
        assert_eq!(value(app, "type"), Value::from("service"));
        assert_eq!(value(app, "grant_types"), Value::from(vec!["client_credentials"]));
        assert_eq!(value(app, "response_types"), Value::from(vec!["token"]));
        assert_eq!(value(app, "token_endpoint_auth_method"), Value::from("private_key_jwt"));
        match spec.binding {
            TokenBinding::Dpop => assert_eq!(value(app, "dpop_bound_access_tokens"), Value::from(true)),
            TokenBinding::Bearer => assert!(!members(app).contains(&"dpop_bound_access_tokens")),
        }
        let jwk = match &spec.key {
            KeySource::Private(key) => key.public_jwk(),
            KeySource::Public(jwk) => Some(jwk.clone()),
            KeySource::JwksUri(url) => {
                assert_eq!(value(app, "jwks_uri"), Value::from(url.as_str()));
                None
            }
        };
        assert_eq!(members(app).contains(&"jwks"), jwk.is_some());
        assert_ne!(members(app).contains(&"jwks_uri"), jwk.is_some());
        if let Some(jwk) = jwk {
            let registered = &app.blocks().next().unwrap().body;
            let given = [("kty", Some(jwk.kty.to_owned())), ("kid", Some(jwk.kid)), ("n", jwk.n), ("e", jwk.e), ("x", jwk.x), ("y", jwk.y)];
            for (name, text) in given {
                match text {
                    Some(text) => assert_eq!(value(registered, name), Value::from(text)),
                    None => assert!(!members(registered).contains(&name)),
                }
            }
        }
        assert_eq!(value(resource(&body, "okta_app_oauth_api_scope"), "scopes"), Value::from(vec!["okta.users.read", "okta.groups.read"]));
    }
}

#[test]
fn the_role_is_the_wanted_one_and_comes_last() {
    for spec in specs() {
        let module = module(&spec);
        let body = parse(&module);
        let resources: Vec<String> = blocks(&body, "resource").map(|(name, _)| name).collect();
        let custom = spec.role != WantedRole::ReadOnlyAdmin;
        for name in ["okta_admin_role_custom", "okta_resource_set"] {
            assert_eq!(resources.iter().any(|found| found == name), custom);
            if custom {
                assert_eq!(members(resource(&body, name)).contains(&"count"), spec.role == WantedRole::LeastPrivilege);
            }
        }
        let variables: Vec<String> = blocks(&body, "variable").map(|(name, _)| name).collect();
        assert_eq!(variables.iter().any(|name| name == "role"), spec.role == WantedRole::LeastPrivilege);
        let assignment = resource(&body, "okta_app_oauth_role_assignment");
        assert_eq!(members(assignment).contains(&"resource_set"), custom);
        match spec.role {
            WantedRole::Custom => assert_eq!(value(assignment, "type"), Value::from("CUSTOM")),
            WantedRole::ReadOnlyAdmin => assert_eq!(value(assignment, "type"), Value::from("READ_ONLY_ADMIN")),
            WantedRole::LeastPrivilege => {}
        }
        if custom {
            let role = resource(&body, "okta_admin_role_custom");
            assert_eq!(value(role, "permissions"), Value::from(vec!["okta.users.read", "okta.groups.read"]));
        }
        let text = hcl::to_string(assignment).unwrap();
        for after in ["okta_app_oauth.reader", "okta_app_oauth_api_scope.reader"] {
            assert!(text.contains(after), "{text}");
        }
        assert!(members(assignment).contains(&"lifecycle") && members(assignment).contains(&"depends_on"));
    }
}

#[test]
fn whatever_is_referred_to_is_there() {
    for spec in specs() {
        let module = module(&spec);
        let body = parse(&module);
        let text: String = module.files().iter().filter(|file| file.name.ends_with(".tf")).map(|file| file.text.as_str()).collect();
        for (name, _) in RESOURCES {
            let declared = blocks(&body, "resource").any(|(found, _)| found == name);
            assert!(declared || !text.contains(&format!("{name}.reader")), "{name}");
        }
        let declared: BTreeSet<String> = blocks(&body, "variable").map(|(name, _)| name).collect();
        // The address of the keys names a variable, too, but only as text.
        let text = text.replace("$${var.", "");
        let used: BTreeSet<String> =
            text.split("var.").skip(1).map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()).collect();
        assert_eq!(declared, used);
    }
}

#[test]
fn hostile_texts_stand_for_themselves() {
    let labels = [
        "a \"quoted\" label",
        "\"",
        "${file(\"/etc/passwd\")}",
        "$${file(\"/etc/passwd\")}",
        "$$${x}",
        "%{ if true }%{ endif }",
        "%%{x}",
        "100 % ${",
        "back\\slash\\",
        "\\\" ]\\u0024{x}",
        "<<EOT",
        "# // /* */",
        "$",
        "${",
        "$$",
        "Ünïcödé 目录 👩‍👩‍👧",
        "right \u{202e}left \u{feff}",
        "tag \u{e0041}",
    ];
    for label in labels {
        for role in [WantedRole::LeastPrivilege, WantedRole::Custom] {
            let spec = labelled(label).with_role(role);
            let body = parse(&module(&spec));
            assert_eq!(value(resource(&body, "okta_app_oauth"), "label"), Value::from(label), "{label}");
            assert_eq!(value(resource(&body, "okta_admin_role_custom"), "label"), Value::from(spec.role_label()));
            assert_eq!(value(resource(&body, "okta_resource_set"), "label"), Value::from(spec.resource_set_label()));
        }
    }
    assert!(AppSpec::new("two\nlines", KeySource::Public(public_key())).is_err());
    let jwk = PublicJwk { kid: "\"\n}\nresource \"x\" \"y\" {\t\r\0".to_owned(), ..public_key() };
    let body = parse(&module(&AppSpec::new("Directory sync", KeySource::Public(jwk.clone())).unwrap()));
    assert_eq!(value(&resource(&body, "okta_app_oauth").blocks().next().unwrap().body, "kid"), Value::from(jwk.kid));
    let scopes = ["okta.\"${x}\\.read"];
    let body = parse(&module(&labelled("Directory sync").with_scopes(scopes).unwrap()));
    assert_eq!(value(resource(&body, "okta_app_oauth_api_scope"), "scopes"), Value::from(scopes.to_vec()));
}

#[test]
fn characters_that_are_not_seen_are_written_as_escapes() {
    assert_eq!(quoted("a\u{202e}b\u{e0041}\u{7}"), "\"a\\u202eb\\U000e0041\\u0007\"");
    assert_eq!(quoted("${a} %{b} $c"), "\"$${a} %%{b} $c\"");
}

proptest::proptest! {
    #[test]
    fn any_text_stands_for_itself(text in "\\PC{0,20}|[$%{}\"\\\\\n\r\ta]{0,12}") {
        let body = hcl::parse(&format!("text = {}\n", quoted(&text))).unwrap();
        assert_eq!(value(&body, "text"), Value::from(text));
    }
}

#[test]
fn no_private_key_is_in_any_file() {
    for key in [&*EC, &*RSA] {
        let pem = key.pem().expose();
        let der = STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
        let mut secrets: Vec<String> = pem.lines().map(str::to_owned).collect();
        // The scalar of an elliptic-curve key, which a JWK has as `d`.
        if let Some(at) = der.windows(2).position(|pair| pair == [4, 32]) {
            secrets.push(URL_SAFE_NO_PAD.encode(&der[at + 2..at + 34]));
        }
        let spec = AppSpec::new("Directory sync", KeySource::Private(key.signing_key().clone())).unwrap();
        let steps = crate::manual_steps(&spec, &org());
        let module = module(&spec);
        for text in module.files().iter().map(|file| &file.text).chain([&steps]) {
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()));
            }
            for member in ["d", "p", "q", "dp", "dq", "qi"] {
                assert!(!text.contains(&format!("\"{member}\"")) && !text.contains(&format!(" {member} =")), "{member}");
            }
            assert!(!text.contains("PRIVATE KEY"));
        }
        assert!(!format!("{module:?}").contains(&secrets[1]));
    }
}

#[test]
fn the_org_decides_the_defaults() {
    let default = |org: &str, name: &str| {
        let module = TerraformModule::from_spec(&labelled("Directory sync"), &OrgUrl::parse(org).unwrap()).unwrap();
        let body = parse(&module);
        let (_, variable) = blocks(&body, "variable").find(|(found, _)| found == name).unwrap();
        let known = members(&variable.body).contains(&"default");
        known.then(|| value(&variable.body, "default"))
    };
    assert_eq!(default("https://acme-admin.oktapreview.com", "org_name"), Some(Value::from("acme")));
    assert_eq!(default("https://acme-admin.oktapreview.com", "base_url"), Some(Value::from("oktapreview.com")));
    assert_eq!(default("login.acme.example", "org_name"), None);
    assert_eq!(default("login.acme.example", "base_url"), None);
}

#[test]
fn what_the_provider_cannot_do_is_refused() {
    let refused = |spec: &AppSpec, org: &str| {
        let error = TerraformModule::from_spec(spec, &OrgUrl::parse_or_local(org).unwrap()).unwrap_err();
        assert!(matches!(error, Error::Config { .. }));
    };
    for org in ["http://127.0.0.1:8080", "http://localhost", "https://localhost", "https://[::1]", "https://acme.okta.com:8443"] {
        refused(&labelled("Directory sync"), org);
    }
    let jwk = PublicJwk { alg: "ES384", crv: Some("P-384"), ..public_key() };
    refused(&AppSpec::new("Directory sync", KeySource::Public(jwk)).unwrap(), "acme.okta.com");
    let url = "https://user:secret@keys.acme.example/".parse().unwrap();
    refused(&AppSpec::new("Directory sync", KeySource::JwksUri(url)).unwrap(), "acme.okta.com");
}

#[test]
fn the_readme_says_what_the_module_leaves_to_people() {
    let readme = |spec: &AppSpec, org: &str| {
        let module = TerraformModule::from_spec(spec, &OrgUrl::parse(org).unwrap()).unwrap();
        module.files().iter().find(|file| file.name == "README.md").unwrap().text.clone()
    };
    let plain = labelled("Directory sync").with_role(WantedRole::ReadOnlyAdmin).with_binding(TokenBinding::Bearer);
    let text = readme(&plain, "acme.okta.com");
    for absent in ["E0000015", "dpop", "own, but", "rate limits", "internet"] {
        assert!(!text.contains(absent), "{absent}");
    }
    let share = RateShare::percent(30).unwrap();
    let text = readme(&labelled("Directory sync").with_rate_share(share), "login.acme.example");
    for present in ["role=READ_ONLY_ADMIN", "dpop_bound_access_tokens", "own, but", "30%", "curve", "sync --connection connection.json"] {
        assert!(text.contains(present), "{present}");
    }
}

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("idsync-terraform-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn writing_twice_is_writing_once() {
    let folder = Folder::new("twice");
    let module = module(&labelled("Directory sync"));
    let path = folder.0.join("deep").join("er");
    module.write(&path).unwrap();
    module.write(&path).unwrap();
    fs::remove_file(path.join("outputs.tf")).unwrap();
    module.write(&path).unwrap();
    for TerraformFile { name, text } in module.files() {
        assert_eq!(&fs::read_to_string(path.join(name)).unwrap(), text);
    }
    assert_eq!(fs::read_dir(&path).unwrap().count(), module.files().len());
}

#[test]
fn other_content_is_left_as_it_is_and_nothing_is_written() {
    let folder = Folder::new("foreign");
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.0.join("README.md"), "mine").unwrap();
    let error = module(&labelled("Directory sync")).write(&folder.0).unwrap_err();
    assert!(error.to_string().contains("README.md is there already"), "{error}");
    assert_eq!(fs::read_to_string(folder.0.join("README.md")).unwrap(), "mine");
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    let file = folder.0.join("README.md");
    assert!(matches!(module(&labelled("Directory sync")).write(file), Err(Error::Config { .. })));
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let folder = Folder::new("link");
    fs::create_dir_all(&folder.0).unwrap();
    std::os::unix::fs::symlink(folder.0.join("elsewhere"), folder.0.join("main.tf")).unwrap();
    assert!(module(&labelled("Directory sync")).write(&folder.0).is_err());
    assert!(!folder.0.join("elsewhere").exists());
}

/// The module and the steps as people reviewed them. After a wanted change, `UPDATE_REVIEWED=1 cargo test -p idsync-okta` writes them anew.
#[test]
fn the_module_is_the_one_that_was_reviewed() {
    let spec = labelled("Directory sync");
    let steps = TerraformFile { name: "manual.txt", text: crate::manual_steps(&spec, &org()) };
    let module = module(&spec);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/provision");
    for TerraformFile { name, text } in module.files().iter().chain([&steps]) {
        let path = folder.join(name);
        if std::env::var_os("UPDATE_REVIEWED").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, text).unwrap();
        }
        assert_eq!(&fs::read_to_string(&path).unwrap(), text, "{name} is not as it was reviewed");
    }
}
