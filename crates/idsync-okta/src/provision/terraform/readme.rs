//! What the module's user reads. Nothing of the spec's texts is in it, since Markdown would have to be kept from reading them.

use super::{Key, Place};
use crate::provision::{AppSpec, TokenBinding, WantedRole};

const APPLY: &str = "\
# The service app that reads the directory

Makes the app of `main.tf` in Okta, with its scopes and its admin role. Nothing here is secret: of the key there is only the public half.

## Apply

With an API token of a super administrator, because Okta lets nobody else grant scopes and roles. It stays in the environment; revoke it
when you are done.

```sh
read -rs OKTA_API_TOKEN && export OKTA_API_TOKEN
terraform init
terraform plan -out=reader.tfplan
terraform apply reader.tfplan
terraform output -raw connection > connection.json
```

## Connect

`connection.json` holds the org, the client id, and where the private key is: `key.pem` beside it, or what `-var key_file=PATH` says when
planning. Look first, then sync:

```sh
sync --connection connection.json --plan
sync --connection connection.json
```

A role can take a minute to come into force. Until then, Okta shows no users.

## Good to know

";

const CHANGE: &str = "\
- Change the app here, not in the Admin Console. Okta refuses changes to an app that has a role, so Terraform takes the role away and
  gives it again; in between, the app sees nothing.
";

const FALLBACK: &str = "\
- Where Okta refuses the custom role even to a super administrator (401 `E0000015`, or 403), the org has no custom roles. Add
  `-var role=READ_ONLY_ADMIN` to `terraform plan`: that role sees the whole org and changes nothing.
";

const DPOP: &str = "\
- Access tokens are bound to a key (`dpop_bound_access_tokens`). The provider knows that argument since the versions after 6.15.0; where
  `terraform plan` calls it unsupported, take a newer version of the provider (`terraform init -upgrade`).
";

const CURVE: &str = "\
- The provider does not send the curve of the key. Okta registers such a key; should it call the signature of the first sign-in invalid,
  use an RSA key.
";

const ADDRESS: &str = "\
- Okta fetches the public keys from the address in `main.tf`; it has to be reachable from the internet.
";

const RATE_SHARE: &str = "Set it in the Admin Console, Applications > the app > Application rate limits";

const OWN_DOMAIN: &str = "\
- The org was given by a domain of its own, but scopes are granted under Okta's: Terraform asks for `org_name` and `base_url`. They are in
  the address of the Admin Console, without `-admin`.
";

pub(super) fn readme(spec: &AppSpec, key: &Key<'_>, place: &Place) -> String {
    let mut text = format!("{APPLY}{CHANGE}");
    match spec.role {
        WantedRole::LeastPrivilege => text.push_str(FALLBACK),
        WantedRole::Custom | WantedRole::ReadOnlyAdmin => {}
    }
    match spec.binding {
        TokenBinding::Dpop => text.push_str(DPOP),
        TokenBinding::Bearer => {}
    }
    match key {
        Key::Jwk(jwk) if jwk.crv.is_some() => text.push_str(CURVE),
        Key::Jwk(_) => {}
        Key::Address(_) => text.push_str(ADDRESS),
    }
    if place.known.is_none() {
        text.push_str(OWN_DOMAIN);
    }
    if let Some(share) = spec.rate_share {
        text.push_str(&format!("- The app's share of the rate limits is not set here. {RATE_SHARE}: {share}.\n"));
    }
    text
}
