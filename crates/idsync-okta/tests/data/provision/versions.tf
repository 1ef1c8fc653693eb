terraform {
  required_version = ">= 1.2"

  required_providers {
    okta = {
      source  = "okta/okta"
      version = "~> 6.0, > 6.15.0"
    }
  }
}

# The credential comes from the environment (OKTA_API_TOKEN), so that it is in no file.
provider "okta" {
  org_name = var.org_name
  base_url = var.base_url
}
