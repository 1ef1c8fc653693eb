//! The few DER structures that private keys come in.

use zeroize::Zeroizing;

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
pub(super) const CONTEXT_1: u8 = 0xa1;

/// The named curves, and `rsaEncryption` and `ecPublicKey`, by their encoded object identifiers (RFC 5480, RFC 8017).
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(super) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// Takes one element of type `tag` off the front: its contents, and what follows it.
pub(super) fn take(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        _ => return None,
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}

/// The algorithm and the inner private key of a PKCS#8 structure (RFC 5208).
pub(super) fn pkcs8(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, _) = take(input, SEQUENCE)?;
    let (_version, body) = take(body, INTEGER)?;
    let (algorithm, body) = take(body, SEQUENCE)?;
    let (algorithm, _) = take(algorithm, OBJECT_ID)?;
    let (inner, _) = take(body, OCTET_STRING)?;
    Some((algorithm, inner))
}

/// One element.
pub(super) fn element(tag: u8, contents: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    // The buffer never grows, so that no copy of a key is left behind.
    let mut out = Zeroizing::new(Vec::with_capacity(length + 4));
    out.push(tag);
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..=0x7f => out.push(low),
        0x80..=0xff => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    contents.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A non-negative integer from its big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let magnitude = bytes.get(start..).unwrap_or_default();
    match magnitude.first() {
        Some(0..=0x7f) => element(INTEGER, &[magnitude]),
        _ => element(INTEGER, &[&[0], magnitude]),
    }
}

/// Wraps an elliptic-curve private key (SEC 1, RFC 5915) as PKCS#8.
pub(super) fn wrap_ec(curve: &[u8], sec1: &[u8]) -> Zeroizing<Vec<u8>> {
    let algorithm = element(SEQUENCE, &[&element(OBJECT_ID, &[EC]), &element(OBJECT_ID, &[curve])]);
    element(SEQUENCE, &[&integer(&[]), &algorithm, &element(OCTET_STRING, &[sec1])])
}
