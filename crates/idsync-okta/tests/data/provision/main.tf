locals {
  domain = "${var.org_name}.${var.base_url}"
  org    = "https://${local.domain}"
}

# The app signs in with a private key that stays where it is; only its public half is here.
resource "okta_app_oauth" "reader" {
  label                      = "Directory sync"
  type                       = "service"
  grant_types                = ["client_credentials"]
  response_types             = ["token"]
  token_endpoint_auth_method = "private_key_jwt"
  dpop_bound_access_tokens   = true

  jwks {
    kty = "EC"
    kid = "directory-sync-1"
    x   = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
    y   = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
  }
}

# A scope says which interfaces the app may call, ...
resource "okta_app_oauth_api_scope" "reader" {
  app_id = okta_app_oauth.reader.id
  issuer = local.org
  scopes = ["okta.users.read", "okta.groups.read"]
}

# ... and a role says what it sees there.
resource "okta_admin_role_custom" "reader" {
  count       = var.role == "custom" ? 1 : 0
  label       = "Directory sync (directory reader)"
  description = "May read users and groups, and nothing else."
  permissions = ["okta.users.read", "okta.groups.read"]
}

resource "okta_resource_set" "reader" {
  count       = var.role == "custom" ? 1 : 0
  label       = "Directory sync (users and groups)"
  description = "All users and all groups."
  resources   = ["${local.org}/api/v1/users", "${local.org}/api/v1/groups"]
}

# Okta refuses changes to an app that has a role. So the role comes last, and an app that is changed gets it anew.
resource "okta_app_oauth_role_assignment" "reader" {
  client_id    = okta_app_oauth.reader.client_id
  type         = var.role == "custom" ? "CUSTOM" : "READ_ONLY_ADMIN"
  role         = one(okta_admin_role_custom.reader[*].id)
  resource_set = one(okta_resource_set.reader[*].id)

  depends_on = [okta_app_oauth.reader, okta_app_oauth_api_scope.reader]

  lifecycle {
    replace_triggered_by = [okta_app_oauth.reader]
  }
}
