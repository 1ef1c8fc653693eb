//! The header `WWW-Authenticate` (RFC 9110, section 11.6.1).

/// What one scheme asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// All challenges of a header, in order. What cannot be read is passed over, for the rest may say what is wrong.
    pub(super) fn all(header: &str) -> Vec<Self> {
        let (mut challenges, mut rest) = (Vec::<Self>::new(), Rest(header));
        while rest.skip_to_word() {
            let word = rest.take_while(is_token);
            if word.is_empty() {
                // No scheme and no parameter begins so.
                rest.take_while(|c| c != ',');
            } else if !rest.take_equals() {
                challenges.push(Self::default());
            } else if let Some(value) = rest.take_value()
                && let Some(challenge) = challenges.last_mut()
            {
                challenge.parameters.push((word.to_owned(), value));
            }
        }
        challenges
    }

    /// A parameter, whatever the case of its name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What was not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Whether there is more than separators.
    fn skip_to_word(&mut self) -> bool {
        self.take_while(|c| c == ',' || is_blank(c));
        !self.0.is_empty()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.0.split_at(self.0.find(|c: char| !wanted(c)).unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Takes the sign between a name and its value, and the blanks around it, if that comes next.
    fn take_equals(&mut self) -> bool {
        let Some(value) = self.0.trim_start_matches(is_blank).strip_prefix('=') else { return false };
        self.0 = value.trim_start_matches(is_blank);
        true
    }

    /// Takes a value; `None` where it does not end, or what looked like a name was a credential that ends in `=`.
    fn take_value(&mut self) -> Option<String> {
        match self.0.strip_prefix('"') {
            Some(quoted) => self.take_quoted(quoted),
            None => {
                Some(self.take_while(|c| c != ',' && !is_blank(c))).filter(|value| value.contains(|c: char| c != '=')).map(str::to_owned)
            }
        }
    }

    fn take_quoted(&mut self, quoted: &'a str) -> Option<String> {
        let (mut value, mut characters) = (String::new(), quoted.chars());
        loop {
            match characters.next() {
                Some('"') => break,
                Some('\\') => value.extend(characters.next()),
                Some(other) => value.push(other),
                None => {
                    self.0 = "";
                    return None;
                }
            }
        }
        self.0 = characters.as_str();
        Some(value)
    }
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// RFC 9110, section 5.6.2.
const fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '.' | '^' | '_' | '`' | '|' | '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameters of each challenge.
    fn read(header: &str) -> Vec<Vec<(String, String)>> {
        Challenge::all(header).into_iter().map(|challenge| challenge.parameters).collect()
    }

    fn is(header: &str, wanted: &[&[(&str, &str)]]) {
        let owned = |pairs: &&[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(read(header), wanted.iter().map(owned).collect::<Vec<Vec<_>>>(), "{header}");
    }

    #[test]
    fn parameters_are_read_with_blanks_around_the_sign_and_without_commas() {
        let wanted: &[&[_]] = &[&[("error", "insufficient_scope"), ("scope", "okta.users.read")]];
        for header in [
            r#"Bearer error="insufficient_scope", scope="okta.users.read""#,
            r#"Bearer error = "insufficient_scope" , scope = "okta.users.read""#,
            "Bearer  error\t=\t\"insufficient_scope\",,scope= okta.users.read",
            r#"Bearer error=insufficient_scope scope="okta.users.read""#,
        ] {
            is(header, wanted);
        }
    }

    #[test]
    fn quoted_strings_hold_anything_and_their_escapes_are_undone() {
        is(r#"Bearer realm="a, \"b\" c=\\d, error=\"no\"", error="e""#, &[&[("realm", r#"a, "b" c=\d, error="no""#), ("error", "e")]]);
        is(r#"Bearer realm="Zürich", error="e""#, &[&[("realm", "Zürich"), ("error", "e")]]);
        is(r#"Bearer error="e", realm="never ends, scope="#, &[&[("error", "e")]]);
        is(r#"Bearer realm="\"#, &[&[]]);
    }

    #[test]
    fn several_challenges_keep_their_parameters_apart() {
        is(
            r#"Negotiate, Basic realm="x", DPoP algs="RS256 ES256", error="invalid_token", Bearer scope = "a b""#,
            &[&[], &[("realm", "x")], &[("algs", "RS256 ES256"), ("error", "invalid_token")], &[("scope", "a b")]],
        );
    }

    #[test]
    fn a_credential_in_place_of_parameters_hides_nothing_of_what_follows() {
        for credential in ["YWJj", "YWJj==", "YWJj=", "a/b+c=="] {
            let challenges = Challenge::all(&format!(r#"Negotiate {credential}, Bearer error="e""#));
            assert_eq!(challenges.iter().filter_map(|challenge| challenge.parameter("error")).collect::<Vec<_>>(), ["e"], "{credential}");
        }
    }

    #[test]
    fn names_are_the_same_in_any_case_and_the_first_of_two_counts() {
        let challenges = Challenge::all(r#"bearer ERROR="one", error="two""#);
        assert_eq!(challenges[0].parameter("Error"), Some("one"));
        assert_eq!(challenges[0].parameter("err"), None);
    }
}
