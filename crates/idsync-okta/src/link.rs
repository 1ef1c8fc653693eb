//! `Link` headers (RFC 8288), and which of them may be followed.

use crate::error::LinkFault;
use crate::org_url::{OrgUrl, admin_twin};
use reqwest::header::HeaderMap;
use std::borrow::Cow;
use url::Url;

/// Longer links are refused; Okta itself answers 414 well before.
const MAX_LENGTH: usize = 8 * 1024;

/// The target of the first link with the relation `next`, in one of many headers or in a joined one.
///
/// A header that cannot be read to its end may name the next page all the same, so it is never passed over.
pub(crate) fn next_target(headers: &HeaderMap) -> Result<Option<&str>, LinkFault> {
    let mut next = None;
    for value in headers.get_all("link") {
        let value = value.to_str().map_err(|_| LinkFault::Unreadable)?;
        let found = next_in(value).ok_or(LinkFault::Unreadable)?;
        next = next.or(found);
    }
    match next {
        Some(target) if target.len() > MAX_LENGTH => Err(LinkFault::TooLong),
        next => Ok(next),
    }
}

/// The target of the first link to the next page in a header, if there is one; `None` where the header cannot be read.
fn next_in(value: &str) -> Option<Option<&str>> {
    let (mut rest, mut next) = (value, None);
    loop {
        // A list may have empty places (RFC 9110, section 5.6.1).
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return Some(next);
        }
        let (target, after) = rest.strip_prefix('<')?.split_once('>')?;
        // What is not closed runs into the next link.
        if target.contains('<') {
            return None;
        }
        let (is_next, tail) = parameters(after)?;
        if is_next {
            next = next.or(Some(target));
        }
        rest = tail;
    }
}

/// Reads the parameters of one link up to the comma that ends it: whether its relations name `next`, and what follows.
fn parameters(text: &str) -> Option<(bool, &str)> {
    let (mut relation, mut rest) = (None, text.trim_start());
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        let (name, tail) = after.split_at(after.find(ends_token).unwrap_or(after.len()));
        rest = tail.trim_start();
        if let Some(after) = rest.strip_prefix('=') {
            let (value, tail) = parameter_value(after.trim_start())?;
            // Of several `rel` parameters the first one counts.
            if name.eq_ignore_ascii_case("rel") && relation.is_none() {
                relation = Some(value);
            }
            rest = tail.trim_start();
        }
    }
    let is_next = relation.map_or(Some(false), |names| names_next(&names))?;
    (rest.is_empty() || rest.starts_with(',')).then_some((is_next, rest))
}

fn parameter_value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return unquoted(quoted);
    }
    let (token, rest) = text.split_at(text.find(ends_token).unwrap_or(text.len()));
    (!token.is_empty()).then_some((Cow::Borrowed(token), rest))
}

/// A text without the quotes around it, of which the first is before it, and what follows.
fn unquoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((Cow::Owned(value), characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

const fn ends_token(character: char) -> bool {
    matches!(character, '=' | ';' | ',' | '"' | ' ' | '\t')
}

/// Whether `next` is among these relations; `None` where one of them is neither a name nor a URL, for who knows what that is meant to be.
fn names_next(relations: &str) -> Option<bool> {
    let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let mut names = relations.split_ascii_whitespace();
    if !names.clone().all(|name| is_plain(name) || name.contains(':')) {
        return None;
    }
    Some(names.any(|name| name.eq_ignore_ascii_case("next")))
}

/// Checks a link in the answer to a request for `asked` against the org's own hosts, and puts the org's own origin in front of its path and
/// query.
///
/// `others` are the hosts under which the org says it answers, too.
pub(crate) fn own(target: &str, asked: &Url, org: &OrgUrl, others: &[String]) -> Result<Url, LinkFault> {
    let origin = org.origin();
    // A relative reference is by definition the org's own; everything else is compared part by part.
    let url = asked.join(target).map_err(|_| LinkFault::Unreadable)?;
    if url.scheme() != origin.scheme() {
        return Err(LinkFault::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LinkFault::UserInfo);
    }
    let host = url.host_str().unwrap_or_default();
    let is_own = host == org.host() || admin_twin(org.host()).is_some_and(|twin| twin == host);
    if !is_own && !others.iter().any(|other| other == host || admin_twin(other).is_some_and(|twin| twin == host)) {
        return Err(LinkFault::Host);
    }
    if url.port_or_known_default() != origin.port_or_known_default() {
        return Err(LinkFault::Port);
    }
    if !url.path().starts_with("/api/v1/") {
        return Err(LinkFault::Path);
    }
    let mut own = origin.clone();
    own.set_path(url.path());
    own.set_query(url.query());
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{ProptestConfig, any, proptest};

    fn next(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("link", value.parse().unwrap());
        }
        next_target(&headers).unwrap().map(str::to_owned)
    }

    #[test]
    fn next_is_found_in_separate_and_in_joined_headers() {
        let this = r#"<https://a.okta.com/api/v1/users?limit=1>; rel="self""#;
        let that = r#"<https://a.okta.com/api/v1/users?after=x,y;z&limit=1>; rel="next""#;
        let target = Some("https://a.okta.com/api/v1/users?after=x,y;z&limit=1".to_owned());
        assert_eq!(next(&[this, that]), target);
        assert_eq!(next(&[&format!("{this}, {that}")]), target);
        assert_eq!(next(&[&format!("{that},{this}")]), target);
        assert_eq!(next(&[this]), None);
        assert_eq!(next(&[]), None);
    }

    #[test]
    fn parameters_are_read_as_rfc_8288_has_them() {
        for value in ["<u>;rel=next", "<u>; REL=\"prev NEXT\"", "<u>; title=\"a, <b>; rel=self\"; rel=next", "<u> ; rel = \"next\" ; x"] {
            assert_eq!(next(&[value]).as_deref(), Some("u"), "{value}");
        }
        for value in
            ["<u>; title=\"a \\\"b\\\" c\"; rel=\"next\"", "<u>;; rel=\"next\"", "<u>; rel=  \"ne\\xt\" ,", ", <v>, <u>; rel=next; a=\"\""]
        {
            assert_eq!(next(&[value]).as_deref(), Some("u"), "{value}");
        }
        for value in ["<u>; rel=\"nextpage\"", "<u>; rel=self; rel=next", "<u>", "<u>; title=\"rel=next\"", "<u>; rel", "", " , "] {
            assert_eq!(next(&[value]), None, "{value}");
        }
        assert_eq!(next(&["<u>; rel=\"https://acme.example/?a=b next\""]).as_deref(), Some("u"));
    }

    #[test]
    fn p01_row09_a_header_that_is_not_understood_is_not_passed_over() {
        for value in [
            "u; rel=next",
            "<u; rel=\"next\"",
            "<u>; rel='next'",
            "<u> rel=\"next\"",
            "<u>; rel=\"next",
            "<u>; rel=\"self\" next\"",
            "<u>,; rel=\"next\"",
            "<u>; rel==next",
            "<u>; rel=; a",
            "<u>; title=\"a\"b\"; rel=\"next\"",
            "<u>; rel=\"prev,next\"",
            "<v>; rel=\"next\", <u",
            "<u; rel=\"next\", <v>; rel=\"self\"",
        ] {
            let mut headers = HeaderMap::new();
            headers.append("link", "<v>; rel=\"self\"".parse().unwrap());
            headers.append("link", value.parse().unwrap());
            assert_eq!(next_target(&headers), Err(LinkFault::Unreadable), "{value}");
        }
    }

    #[test]
    fn a_relative_link_is_relative_to_what_was_asked_for() {
        let org = OrgUrl::parse("acme.okta.com").unwrap();
        let at = |path: &str| org.origin().join(path).unwrap();
        let asked = at("/api/v1/groups/g/users?limit=200");
        for (target, path) in [
            ("?after=a", "/api/v1/groups/g/users?after=a"),
            ("users?after=a", "/api/v1/groups/g/users?after=a"),
            ("../g/users?after=a", "/api/v1/groups/g/users?after=a"),
            ("/api/v1/users?after=a", "/api/v1/users?after=a"),
        ] {
            assert_eq!(own(target, &asked, &org, &[]).unwrap(), at(path), "{target}");
        }
        assert_eq!(own("../../../../oauth2/v1/token", &asked, &org, &[]), Err(LinkFault::Path));
    }

    #[test]
    fn p16_row17_only_the_orgs_own_hosts_are_followed_and_always_under_its_own_origin() {
        let org = OrgUrl::parse("acme.okta.com").unwrap();
        let others = ["login.acme.example".to_owned()];
        for target in [
            "https://acme.okta.com/api/v1/users?after=a",
            "https://acme.okta.com:443/api/v1/users?after=a",
            "https://ACME.okta.com/api/v1/users?after=a",
            "https://acme-admin.okta.com/api/v1/users?after=a",
            "https://login.acme.example/api/v1/users?after=a",
            "/api/v1/users?after=a",
        ] {
            assert_eq!(
                own(target, org.origin(), &org, &others).unwrap().as_str(),
                "https://acme.okta.com/api/v1/users?after=a",
                "{target}"
            );
        }
        for (target, fault) in [
            ("https://evil.example/api/v1/users", LinkFault::Host),
            ("https://acme.okta.com.evil.example/api/v1/users", LinkFault::Host),
            ("https://acme-admin.okta.com.evil.example/api/v1/users", LinkFault::Host),
            ("https://acme-admin.evil.example/api/v1/users", LinkFault::Host),
            ("https://other.okta.com/api/v1/users", LinkFault::Host),
            ("//evil.example/api/v1/users", LinkFault::Host),
            ("\\\\evil.example/api/v1/users", LinkFault::Host),
            ("https://169.254.169.254/api/v1/users", LinkFault::Host),
            ("https://acme.okta.com./api/v1/users", LinkFault::Host),
            ("http://acme.okta.com/api/v1/users", LinkFault::Scheme),
            ("file:///api/v1/users", LinkFault::Scheme),
            ("javascript:alert(1)", LinkFault::Scheme),
            ("https://acme.okta.com:8443/api/v1/users", LinkFault::Port),
            ("https://user@acme.okta.com/api/v1/users", LinkFault::UserInfo),
            ("https://acme.okta.com@evil.example/api/v1/users", LinkFault::UserInfo),
            ("https://acme.okta.com/oauth2/v1/token", LinkFault::Path),
            ("https://acme.okta.com/api/v1/../../oauth2/v1/token", LinkFault::Path),
            ("https://acme.okta.com/api/v1/%2e%2e/%2e%2e/oauth2", LinkFault::Path),
            ("https://acme.okta.com", LinkFault::Path),
            ("https://[", LinkFault::Unreadable),
        ] {
            assert_eq!(own(target, org.origin(), &org, &others), Err(fault), "{target}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn row17_any_header_is_read_without_a_panic(bytes in any::<Vec<u8>>(), text in "[<>;,=\" a-z/]{0,60}") {
            let mut headers = HeaderMap::new();
            if let Ok(value) = reqwest::header::HeaderValue::from_bytes(&bytes) {
                headers.append("link", value);
            }
            headers.append("link", text.parse().unwrap());
            _ = next_target(&headers);
        }

        #[test]
        fn a_written_next_is_always_read_back(target in "https://a\\.okta\\.com/[a-z0-9,;=&?\"]{0,30}", quoted in any::<bool>()) {
            let value = if quoted { format!("<{target}>; rel=\"next\"") } else { format!("<{target}>;rel=next") };
            assert_eq!(next(&["<x>; rel=\"self\"", &value]).as_deref(), Some(target.as_str()));
        }
    }
}
