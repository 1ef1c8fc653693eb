//! Public keys and what they are asked: whether a signature is theirs.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// Okta takes keys whose last letter has bits that mean nothing (recorded).
const LENIENT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// A public key as a JWK holds it (RFC 7518, section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// A signature algorithm that Okta takes (Okta reference: "Implement OAuth for Okta with a service app").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Es256,
    Es384,
    Es512,
    Rs256,
    Rs384,
    Rs512,
}

impl Algorithm {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            _ => return None,
        })
    }
}

impl Curve {
    fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == text)
    }

    fn of_length(bytes: usize) -> Option<Self> {
        match bytes {
            32 => Some(Self::P256),
            48 => Some(Self::P384),
            66 => Some(Self::P521),
            _ => None,
        }
    }
}

impl PublicKey {
    /// Reads a JWK. `None` when it is of another kind, or holds private members: those must never be sent.
    pub(crate) fn from_jwk(jwk: &Value) -> Option<Self> {
        if jwk.get("d").is_some() {
            return None;
        }
        let bytes = |name: &str| LENIENT.decode(jwk.get(name)?.as_str()?).ok();
        match jwk.get("kty")?.as_str()? {
            "EC" => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                // Okta takes a key without its curve (recorded), which then follows from the length of the coordinates.
                let curve = match jwk.get("crv") {
                    None | Some(Value::Null) => Curve::of_length(x.len())?,
                    Some(name) => Curve::parse(name.as_str()?)?,
                };
                Some(Self::Ec { curve, x, y })
            }
            "RSA" => Some(Self::Rsa { n: bytes("n")?, e: bytes("e")? }),
            _ => None,
        }
    }

    /// Reads an uncompressed point on P-256 (SEC 1, section 2.3.3).
    pub(super) fn from_p256_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        Some(Self::Ec { curve: Curve::P256, x: x.to_vec(), y: y.to_vec() })
    }

    /// Reads an `RSAPublicKey` (RFC 8017, appendix A.1.1).
    pub(super) fn from_pkcs1(der: &[u8]) -> Option<Self> {
        let (body, _) = der_value(der, 0x30)?;
        let (n, rest) = der_value(body, 0x02)?;
        let (e, _) = der_value(rest, 0x02)?;
        let unsigned = |bytes: &[u8]| bytes.iter().copied().skip_while(|&byte| byte == 0).collect();
        Some(Self::Rsa { n: unsigned(n), e: unsigned(e) })
    }

    /// The members of a JWK that make up the key.
    pub(crate) fn members(&self) -> Map<String, Value> {
        let text = |bytes: &[u8]| Value::String(URL_SAFE_NO_PAD.encode(bytes));
        let members = match self {
            Self::Ec { curve, x, y } => vec![("kty", "EC".into()), ("crv", curve.name().into()), ("x", text(x)), ("y", text(y))],
            Self::Rsa { n, e } => vec![("kty", "RSA".into()), ("e", text(e)), ("n", text(n))],
        };
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The length of the modulus of an RSA key in bits, leading zeros not counted.
    pub(crate) fn rsa_bits(&self) -> Option<usize> {
        let Self::Rsa { n, .. } = self else { return None };
        let significant = n.iter().skip_while(|&&byte| byte == 0);
        let first = significant.clone().next().map_or(0, |byte| byte.leading_zeros() as usize);
        Some((significant.count() * 8).saturating_sub(first))
    }

    /// The RFC 7638 thumbprint.
    pub(crate) fn thumbprint(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let members = match self {
            Self::Ec { curve, x, y } => format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.name(), text(x), text(y)),
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
        };
        text(digest::digest(&digest::SHA256, members.as_bytes()).as_ref())
    }

    /// Whether this key made this signature with this algorithm, which must be one for keys of this kind.
    pub(crate) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ec { curve, x, y } => {
                let verification = match (curve, algorithm) {
                    (Curve::P256, Algorithm::Es256) => &signature::ECDSA_P256_SHA256_FIXED,
                    (Curve::P384, Algorithm::Es384) => &signature::ECDSA_P384_SHA384_FIXED,
                    (Curve::P521, Algorithm::Es512) => &signature::ECDSA_P521_SHA512_FIXED,
                    _ => return false,
                };
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                UnparsedPublicKey::new(verification, point).verify(message, signature).is_ok()
            }
            Self::Rsa { n, e } => {
                let parameters: &RsaParameters = match algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    _ => return false,
                };
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
        }
    }
}

/// The content of the first DER value, which must have this tag, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?)), &rest[2..]),
        _ => return None,
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The example of RFC 7638, section 3.1.
    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        let n = concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W",
            "-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08q",
            "NLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        );
        let jwk = json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
        assert_eq!(PublicKey::from_jwk(&jwk).unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(PublicKey::from_jwk(&json!({"kty": "RSA", "n": n, "e": "AQAB", "d": "AQAB"})), None, "private members must not be sent");
    }

    #[test]
    fn a_key_may_end_in_bits_that_mean_nothing_and_lack_its_curve() {
        let key = |n: &str| PublicKey::from_jwk(&json!({"kty": "RSA", "n": n, "e": "AQAB"}));
        assert!(key("gB").is_some() && key("gB") == key("gA"), "the last four bits are none of the modulus");
        assert_eq!(key("gA").unwrap().rsa_bits(), Some(8));
        assert_eq!(key("AAE").unwrap().rsa_bits(), Some(1), "zeros in front do not count");
        let coordinate = "A".repeat(43);
        let curved = json!({"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate});
        let curveless = json!({"kty": "EC", "crv": null, "x": coordinate, "y": coordinate});
        assert_eq!(PublicKey::from_jwk(&curveless), PublicKey::from_jwk(&curved));
        assert!(PublicKey::from_jwk(&json!({"kty": "EC", "x": "AA", "y": "AA"})).is_none());
    }
}
