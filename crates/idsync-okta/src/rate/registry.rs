//! The counters that are in use in this process.

use super::counters::Counters;
use super::gate::Gate;
use crate::credentials::Credentials;
use crate::org_url::OrgUrl;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Whose requests the org counts together. Of a token only a digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Principal {
    App(String),
    Token([u8; 32]),
}

impl Principal {
    fn of(credentials: &Credentials) -> Self {
        match credentials {
            Credentials::App(app) => Self::App(app.client_id.clone()),
            Credentials::Token(api) => {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, api.token.expose().as_bytes());
                let mut short = [0; 32];
                short.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
                Self::Token(short)
            }
        }
    }
}

#[derive(Debug, Default)]
struct Registry {
    /// Windows are kept per credential, as the org does.
    counters: HashMap<(String, Principal), Weak<Counters>>,
    /// Requests at once are limited per org, whoever sends them.
    gates: HashMap<String, Weak<Gate>>,
}

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

/// The counters of this credential and the gate of this org, as other clients in this process have them.
pub(crate) fn shared(org: &OrgUrl, credentials: &Credentials) -> (Arc<Counters>, Arc<Gate>) {
    let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    let Registry { counters, gates } = registry.get_or_insert_default();
    let org = org.origin().as_str().to_owned();
    (living(counters, (org.clone(), Principal::of(credentials))), living(gates, org))
}

/// The entry that somebody still has, or a new one. What nobody has any more is forgotten.
fn living<K: Eq + Hash, V: Default>(entries: &mut HashMap<K, Weak<V>>, key: K) -> Arc<V> {
    entries.retain(|_, entry| entry.strong_count() > 0);
    if let Some(entry) = entries.get(&key).and_then(Weak::upgrade) {
        return entry;
    }
    let entry = Arc::default();
    entries.insert(key, Arc::downgrade(&entry));
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiToken;
    use idsync_core::Secret;

    fn token(text: &str) -> Credentials {
        ApiToken::new(Secret::new(text.to_owned())).into()
    }

    #[test]
    fn p15_clients_with_one_credential_share_the_counters_and_all_of_one_org_the_gate() {
        let org = OrgUrl::parse("shared.okta.com").unwrap();
        let (first, gate) = shared(&org, &token("one"));
        let (second, same_gate) = shared(&org, &token("one"));
        let (other, third_gate) = shared(&org, &token("two"));
        assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &other));
        assert!(Arc::ptr_eq(&gate, &same_gate) && Arc::ptr_eq(&gate, &third_gate));
        let (elsewhere, far_gate) = shared(&OrgUrl::parse("elsewhere.okta.com").unwrap(), &token("one"));
        assert!(!Arc::ptr_eq(&first, &elsewhere) && !Arc::ptr_eq(&gate, &far_gate));
    }

    #[test]
    fn what_nobody_uses_any_more_is_forgotten() {
        let org = OrgUrl::parse("forgotten.okta.com").unwrap();
        let weak = Arc::downgrade(&shared(&org, &token("one")).0);
        assert!(weak.upgrade().is_none());
    }
}
