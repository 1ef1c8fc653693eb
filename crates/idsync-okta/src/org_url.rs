//! The address of an org: parsed once, so that no credential can be sent elsewhere later.

use crate::error::Error;
use std::fmt;
use std::str::FromStr;
use url::{Host, Url};

/// The domains under which Okta gives orgs their subdomain.
const BASE_DOMAINS: [&str; 7] =
    ["okta.com", "okta-emea.com", "oktapreview.com", "okta-gov.com", "okta.mil", "okta-miltest.com", "trex-govcloud.com"];

/// Top-level names that nobody can own in public (RFC 6761, 6762, 7686, 8375, 9476, and `internal` by ICANN), and the one that many machines
/// give themselves.
const NOT_PUBLIC: [&str; 9] = ["alt", "arpa", "internal", "invalid", "local", "localdomain", "localhost", "onion", "test"];

const REMEDY: &str = "give the org's own address, such as https://acme.okta.com";

/// The address of one Okta org: an origin, with nothing else in it.
///
/// ```
/// use idsync_okta::OrgUrl;
///
/// let org = OrgUrl::parse("Acme-Admin.okta.com")?;
/// assert_eq!(org.to_string(), "https://acme.okta.com");
/// assert!(org.correction().is_some());
/// # Ok::<(), idsync_okta::Error>(())
/// ```
///
/// # Addresses from strangers
///
/// Only what is written is checked, not what it resolves to: anybody can have a public name lead to an address in your network, today or
/// from the next look-up on. Errors tell whether something answers there, and whatever answers is sent the credential that came with the
/// address: an assertion of the app, or the setup token. A service that takes the addresses of orgs from its customers therefore
///
/// - reads them with [`OrgUrl::parse`], never with [`OrgUrl::parse_or_local`];
/// - has its requests leave through a proxy or a firewall that refuses private addresses
///   ([`OktaClientBuilder::proxy`](crate::OktaClientBuilder::proxy)), or admits only the domains of Okta and those that it has checked;
/// - shows a customer that an org cannot be reached, but not how.
#[derive(Clone, PartialEq, Eq)]
pub struct OrgUrl {
    origin: Url,
    correction: Option<String>,
}

impl OrgUrl {
    /// Reads a bare host (`acme.okta.com`) or a URL (`https://acme.okta.com/`), in any case.
    ///
    /// The host of the Admin Console (`acme-admin.okta.com`) is not an API address; it is replaced by the org's, and
    /// [`OrgUrl::correction`] says so. Custom domains are accepted.
    ///
    /// # Errors
    /// [`Error::Config`] for anything else: another scheme, a user name, a path, a query, a fragment, an IP address, a name that is not a
    /// public one (`localhost`, `acme.internal`), a host that is not written in its plain ASCII form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let org = Self::parse_or_local(text)?;
        let top = org.host().rsplit('.').next().unwrap_or_default();
        if !matches!(org.origin.host(), Some(Host::Domain(_))) || NOT_PUBLIC.contains(&top) {
            return Err(refuse("must hold a public host name"));
        }
        Ok(org)
    }

    /// Reads what [`OrgUrl::parse`] does, and private names, and orgs on this machine (`http://127.0.0.1:8080`), which may do without TLS:
    /// for tests, emulators, and programs whose user may reach this machine anyway.
    ///
    /// # Errors
    /// [`Error::Config`] for anything else, as [`OrgUrl::parse`] does. Plain `http` is accepted on the loopback interface only.
    pub fn parse_or_local(text: &str) -> Result<Self, Error> {
        let (scheme, authority) = split(text.trim())?;
        let mut origin = Url::parse(&format!("{scheme}://{authority}/")).map_err(|_| refuse("does not hold a host name"))?;
        let loopback = check_host(&origin, &authority)?;
        if origin.port() == Some(0) || authority.ends_with(':') {
            return Err(refuse("has no usable port"));
        }
        if scheme == "http" && !loopback {
            return Err(refuse("must use https"));
        }
        let mut correction = None;
        if let Some(org) = origin.host_str().and_then(without_admin) {
            correction = Some(format!("{} is the Admin Console; the org's address is {org}", origin.host_str().unwrap_or_default()));
            origin.set_host(Some(&org)).map_err(|_| refuse("does not hold a host name"))?;
        }
        Ok(Self { origin, correction })
    }

    /// The host, in lower case and without the port.
    pub fn host(&self) -> &str {
        self.origin.host_str().unwrap_or_default()
    }

    /// What was changed in the address that was given, as a sentence for the person who gave it.
    pub fn correction(&self) -> Option<&str> {
        self.correction.as_deref()
    }

    /// The address without a path, such as `https://acme.okta.com`.
    pub(crate) fn address(&self) -> String {
        self.origin.as_str().trim_end_matches('/').to_owned()
    }

    /// The origin as a URL with an empty path.
    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    /// Whether the org is on this machine, where `http` is acceptable.
    pub(crate) fn is_plain(&self) -> bool {
        self.origin.scheme() == "http"
    }

    /// The URL of `path`, which is absolute and already encoded.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(path);
        url
    }
}

/// The Admin Console's twin of an org's host: `acme.okta.com` becomes `acme-admin.okta.com`.
pub(crate) fn admin_twin(host: &str) -> Option<String> {
    let (label, rest) = host.split_once('.')?;
    BASE_DOMAINS.contains(&rest).then(|| format!("{label}-admin.{rest}"))
}

fn without_admin(host: &str) -> Option<String> {
    let (label, rest) = host.split_once('.')?;
    let label = label.strip_suffix("-admin").filter(|label| !label.is_empty())?;
    BASE_DOMAINS.contains(&rest).then(|| format!("{label}.{rest}"))
}

fn refuse(fault: &str) -> Error {
    Error::config(format!("the org URL {fault}"), REMEDY)
}

/// Takes scheme and authority apart by hand: the URL parser repairs much of what must be refused here.
fn split(text: &str) -> Result<(&'static str, String), Error> {
    if text.contains(['{', '}']) {
        return Err(refuse("is still a placeholder"));
    }
    if text.contains('@') {
        return Err(refuse("must not hold a user name"));
    }
    if text.contains(['?', '#']) {
        return Err(refuse("must not hold a query or a fragment"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:/[]".contains(&byte)) {
        return Err(refuse("must be written in plain ASCII letters, digits, dots and hyphens"));
    }
    let lower = text.to_ascii_lowercase();
    let (scheme, rest) = match lower.split_once("://") {
        None => ("https", lower.as_str()),
        Some(("https", rest)) => ("https", rest),
        Some(("http", rest)) => ("http", rest),
        Some(_) => return Err(refuse("must use https")),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains('/') {
        return Err(refuse("must not hold a path"));
    }
    Ok((scheme, authority.to_owned()))
}

/// Whether the host is this machine; an error when it can be no org at all.
fn check_host(url: &Url, authority: &str) -> Result<bool, Error> {
    // A host that the parser rewrote (`0x7f.1`, `2130706433`) was not written to be understood.
    if !url.host_str().is_some_and(|host| authority == host || authority.strip_prefix(host).is_some_and(|rest| rest.starts_with(':'))) {
        return Err(refuse("does not hold a plain host name"));
    }
    match url.host() {
        Some(Host::Ipv4(address)) if address.is_loopback() => Ok(true),
        Some(Host::Ipv6(address)) if address.is_loopback() => Ok(true),
        Some(Host::Domain("localhost")) => Ok(true),
        Some(Host::Domain(name)) => check_name(name).map(|()| false),
        _ => Err(refuse("must not be an IP address")),
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.len() > 253 || !name.contains('.') || !name.split('.').all(label) {
        return Err(refuse("does not hold a full host name"));
    }
    if name.ends_with(".com.com") {
        return Err(refuse("ends in .com twice"));
    }
    if BASE_DOMAINS.contains(&name) {
        return Err(refuse("names no org, only Okta's own domain"));
    }
    Ok(())
}

impl FromStr for OrgUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for OrgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.origin.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for OrgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrgUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{ProptestConfig, proptest};

    #[test]
    fn accepts_hosts_and_urls_and_prints_the_origin() {
        for (given, printed) in [
            ("acme.okta.com", "https://acme.okta.com"),
            ("https://ACME.okta.com/", "https://acme.okta.com"),
            (" https://acme.oktapreview.com ", "https://acme.oktapreview.com"),
            ("https://acme.okta.com:443/", "https://acme.okta.com"),
            ("login.acme.example", "https://login.acme.example"),
            ("HTTPS://trial-1234567.okta.com", "https://trial-1234567.okta.com"),
        ] {
            let org = OrgUrl::parse(given).unwrap();
            assert_eq!((org.to_string().as_str(), org.correction()), (printed, None), "{given}");
        }
    }

    #[test]
    fn p16_this_machine_and_private_names_are_accepted_only_where_that_is_said() {
        for (given, printed) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://127.8.9.10", "https://127.8.9.10"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("LOCALHOST", "https://localhost"),
            ("redis.localhost:6379", "https://redis.localhost:6379"),
            ("localhost.localdomain", "https://localhost.localdomain"),
            ("metadata.google.internal", "https://metadata.google.internal"),
            ("vault.default.svc.cluster.local", "https://vault.default.svc.cluster.local"),
            ("printer.home.arpa", "https://printer.home.arpa"),
        ] {
            assert_eq!(OrgUrl::parse_or_local(given).unwrap().to_string(), printed);
            for parsed in [OrgUrl::parse(given), given.parse()] {
                assert!(matches!(parsed, Err(Error::Config { .. })), "{given:?} became {parsed:?}");
            }
        }
        assert_eq!(OrgUrl::parse_or_local("acme-admin.okta.com").unwrap(), OrgUrl::parse("acme-admin.okta.com").unwrap());
    }

    #[test]
    fn the_host_of_the_admin_console_is_corrected_with_a_message() {
        for base in BASE_DOMAINS {
            let org = OrgUrl::parse(&format!("https://acme-admin.{base}/")).unwrap();
            assert_eq!(org.host(), format!("acme.{base}"));
            assert!(org.correction().unwrap().contains(&format!("acme-admin.{base}")));
        }
        assert_eq!(OrgUrl::parse("tools-admin.example.com").unwrap().host(), "tools-admin.example.com");
    }

    #[test]
    fn p16_hostile_and_mistaken_addresses_are_refused() {
        let hostile = [
            "",
            " ",
            "/",
            "//",
            ".",
            "..",
            "https://",
            "https:///",
            "http://acme.okta.com",
            "ftp://acme.okta.com",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "https:acme.okta.com",
            "https:/acme.okta.com",
            "https:///acme.okta.com",
            "https:\\\\acme.okta.com",
            "https://acme.okta.com\\@evil.com",
            "https://acme.okta.com@evil.com",
            "https://user@acme.okta.com",
            "https://user:pass@acme.okta.com",
            "https://:pass@acme.okta.com",
            "acme.okta.com@evil.com",
            "https://acme.okta.com/path",
            "https://acme.okta.com//",
            "https://acme.okta.com/api/v1",
            "https://acme.okta.com/?q=1",
            "https://acme.okta.com?x",
            "https://acme.okta.com#f",
            "https://acme.okta.com/#",
            "https://acme.okta.com/..",
            "acme.okta.com/x",
            "https://https://acme.okta.com",
            "https://acme.okta.com://evil.com",
            "https://{yourOktaDomain}",
            "{yourOktaDomain}.okta.com",
            "https://acme",
            "acme",
            "okta.com",
            "https://oktapreview.com",
            "acme.okta.com.com",
            "https://acme..okta.com",
            "https://.okta.com",
            "https://acme.okta.com.",
            "-acme.okta.com",
            "acme-.okta.com",
            "https://ac me.okta.com",
            "https://acme\t.okta.com",
            "https://acme\n.okta.com",
            "https://acme\u{0}.okta.com",
            "https://acme.okta.com\u{200b}",
            "https://acmé.okta.com",
            "https://аcme.okta.com",
            "https://acme。okta。com",
            "https://acme%2eokta.com",
            "https://acme.okta.com%00",
            "https://ac_me.okta.com",
            "https://10.0.0.1",
            "https://169.254.169.254",
            "https://192.168.1.1:8443",
            "https://[::ffff:10.0.0.1]",
            "https://[fe80::1]",
            "https://[::1",
            "https://0.0.0.0",
            "http://2130706433",
            "http://0x7f.0.0.1",
            "http://127.1",
            "https://017700000001",
            "https://acme.okta.com:0",
            "https://acme.okta.com:99999",
            "https://acme.okta.com:",
            "https://acme.okta.com:x",
            "https://acme.okta.com:80:80",
            "http://localhost.evil.com",
            "http://127.0.0.1.evil.com",
            "localhost.",
            "https://a,b.okta.com",
            "https://acme.okta.com;x",
            "https://$(id).okta.com",
            "https://acme.okta.com, evil.com",
            "<https://acme.okta.com>",
            "acme.okta.com\r\nHost: evil.com",
        ];
        assert!(hostile.len() >= 60);
        for text in hostile {
            let parsed = OrgUrl::parse_or_local(text);
            assert!(matches!(parsed, Err(Error::Config { .. })), "{text:?} became {parsed:?}");
        }
        let long = format!("https://{}.okta.com", "a".repeat(64));
        assert!(OrgUrl::parse_or_local(&long).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_accepted_reads_back_as_itself(text in "(https?://)?[a-zA-Z0-9.:/@\\[\\]-]{0,40}") {
            if let Ok(org) = OrgUrl::parse_or_local(&text) {
                let again = OrgUrl::parse_or_local(&org.to_string()).unwrap();
                assert_eq!(org.to_string(), again.to_string());
                assert_eq!(org.origin().path(), "/");
                assert!(org.origin().username().is_empty() && org.origin().query().is_none());
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,60}") {
            _ = OrgUrl::parse(&text);
        }
    }
}
