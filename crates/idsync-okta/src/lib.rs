//! Okta as an identity provider for idsync: credentials, client, paging and rate limits.
