//! Private keys as PEM text: PKCS#1, PKCS#8 and SEC 1.

use super::der;
use super::local::LocalKey;
use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Reads the first private key of `text`, in which line ends may also be written as `\n` (as environment variables often have them).
pub(super) fn read(text: &str) -> Result<LocalKey, Error> {
    let text = Zeroizing::new(text.replace("\\r", "").replace("\\n", "\n"));
    let (label, der) = block(&text)?;
    match label {
        "RSA PRIVATE KEY" => LocalKey::rsa(&der),
        "EC PRIVATE KEY" => LocalKey::sec1(&der),
        "PRIVATE KEY" => match der::pkcs8(&der) {
            Some((der::RSA, inner)) => LocalKey::rsa(inner),
            Some((der::EC, _)) => LocalKey::ec(&der),
            Some(_) => Err(Error::key("its type is neither RSA nor EC")),
            None => Err(Error::key("it is not a PKCS#8 structure")),
        },
        "ENCRYPTED PRIVATE KEY" => Err(Error::key("it is encrypted; decrypt it first")),
        "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => Err(Error::key("it is a public key or certificate, not a private key")),
        _ => Err(Error::key("its PEM label is not that of a private key")),
    }
}

/// The label and the contents of the first block that is not mere parameters, as `openssl ecparam` writes before the key.
fn block(text: &str) -> Result<(&str, Zeroizing<Vec<u8>>), Error> {
    let mut rest = text;
    loop {
        let (_, after) = rest.split_once("-----BEGIN ").ok_or_else(|| Error::key("it holds no PEM block"))?;
        let (label, after) = after.split_once("-----").ok_or_else(|| Error::key("its PEM block has no end"))?;
        let (body, after) = after.split_once("-----END ").ok_or_else(|| Error::key("its PEM block has no end"))?;
        if label == "EC PARAMETERS" {
            rest = after;
            continue;
        }
        if body.contains("Proc-Type") {
            return Err(Error::key("it is encrypted; decrypt it first"));
        }
        let compact = Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect::<String>());
        let der = STANDARD.decode(compact.as_bytes()).map_err(|_| Error::key("its PEM block is not base64"))?;
        return Ok((label, Zeroizing::new(der)));
    }
}
