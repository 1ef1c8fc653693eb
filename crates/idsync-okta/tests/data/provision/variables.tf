variable "org_name" {
  description = "The org's name at Okta, such as acme for acme.okta.com."
  type        = string
  default     = "acme"
}

variable "base_url" {
  description = "Okta's domain that the org is in, such as okta.com or oktapreview.com."
  type        = string
  default     = "okta.com"
}

variable "key_file" {
  description = "Where the private key is, seen from connection.json. Terraform does not read it."
  type        = string
  default     = "key.pem"
}

variable "role" {
  description = "custom: may read users and groups, and nothing else. READ_ONLY_ADMIN: sees the whole org, for orgs without custom roles."
  type        = string
  default     = "custom"

  validation {
    condition     = contains(["custom", "READ_ONLY_ADMIN"], var.role)
    error_message = "The role is custom or READ_ONLY_ADMIN."
  }
}
