output "client_id" {
  description = "The id under which the app signs in."
  value       = okta_app_oauth.reader.client_id
}

output "domain" {
  description = "The org's host."
  value       = local.domain
}

output "connection" {
  description = "What sync --connection reads."
  value       = jsonencode({ org = local.domain, client_id = okta_app_oauth.reader.client_id, key_file = var.key_file })
}
