//! How to use the control API.

/// The text of `GET /emulator`.
pub(super) fn text(base: &str) -> String {
    HELP.replace("URL", base)
}

const HELP: &str = r#"This is an Okta org for tests. It is changed and broken with these calls, which it does not count as requests.

People and groups
  curl URL/emulator/users -d '{"profile": {"login": "ana@example.com", "email": "ana@example.com"}, "status": "ACTIVE"}'
  curl -X PATCH URL/emulator/users/USER -d '{"profile": {"title": "Head of Nights", "city": null}, "status": "SUSPENDED"}'
  curl -X DELETE URL/emulator/users/USER
  curl URL/emulator/groups -d '{"name": "Night shift", "description": "Made a minute ago", "type": "OKTA_GROUP"}'
  curl -X PATCH URL/emulator/groups/GROUP -d '{"profile": {"name": "Day shift"}}'
  curl -X DELETE URL/emulator/groups/GROUP
  curl -X POST URL/emulator/groups/GROUP/users/USER
  curl -X DELETE URL/emulator/groups/GROUP/users/USER

The emulator's own app
  curl URL/emulator/role -d '{"role": null}'                       or "READ_ONLY_ADMIN", "SUPER_ADMIN", ...
  curl URL/emulator/scopes -d '{"scopes": ["okta.users.read"]}'
  curl URL/emulator/app -d '{"active": false}'
  curl URL/emulator/dpop -d '{"dpop": "required"}'                 or "optional", "not_required"
  curl -X DELETE URL/emulator/tokens
  curl URL/emulator/keys -d '{"kty": "EC", "crv": "P-256", "x": "...", "y": "..."}'
  curl -X POST URL/emulator/keys/KID/deactivate                    or activate

All apps, and who else has power
  curl URL/emulator/apps                                           with their keys, grants and roles
  curl URL/emulator/apps -d '{"label": "Somebody else's app"}'
  curl -X PATCH URL/emulator/apps/APP -d '{"label": "Renamed", "status": "INACTIVE", "dpop": "required"}'
  curl -X DELETE URL/emulator/apps/APP
  curl URL/emulator/apps/APP/grants -d '{"scope": "okta.users.read"}'
  curl -X DELETE URL/emulator/apps/APP/grants/okta.users.read
  curl URL/emulator/apps/APP/roles -d '{"role": "READ_ONLY_ADMIN"}'
  curl -X DELETE URL/emulator/apps/APP/roles                       or APP/roles/READ_ONLY_ADMIN
  curl -X PATCH URL/emulator/apps/APP/keys/KID -d '{"status": "INACTIVE"}'
  curl URL/emulator/custom-roles
  curl URL/emulator/resource-sets
  curl URL/emulator/api-tokens
  curl URL/emulator/api-tokens -d '{"role": "APP_ADMIN"}'          makes a token of such an admin
  curl -X DELETE URL/emulator/api-tokens/TOKEN

The org
  curl URL/emulator/quirks                                         how it behaves where orgs differ
  curl -X PATCH URL/emulator/quirks -d '{"app_quota": 10, "grant_again": "same_grant", "role_delay_millis": 20000}'
  curl URL/emulator/lag -d '{"listings": 2}'                       or {"millis": 500}, or {} for none
  curl URL/emulator/clock -d '{"skew_seconds": -90}'
  curl URL/emulator/rate-limits -d '{"kind": "integrator"}'        or "workforce", "none"

Faults
  curl URL/emulator/faults -d '{"kind": "status", "status": 503, "body": "html", "on": "members", "skip": 3, "times": 2}'
  curl URL/emulator/faults -d '{"kind": "shifted_rows", "on": "users", "times": "always"}'
  curl URL/emulator/faults -d '{"kind": "vanished_group", "id": "GROUP"}'
  curl URL/emulator/faults -d '{"kind": "unknown_kind", "text": "ON_LEAVE", "record": "USER"}'
  curl URL/emulator/faults -d '{"kind": "lost_answer", "calls": "writing", "skip": 2}'
  curl URL/emulator/faults -d '{"kind": "ignored", "on": "grants", "method": "POST"}'
  curl URL/emulator/faults                                         lists them, and how often each has struck
  curl -X DELETE URL/emulator/faults/1                             or all, without the number

What is there, and what was asked
  curl URL/emulator/truth                                          or ?scope=default: what a default sync sees
  curl URL/emulator/requests
  curl -X DELETE URL/emulator/requests
"#;
