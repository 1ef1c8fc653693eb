use super::*;
use aws_lc_rs::signature::{self, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

const P256_SEED: [u8; 32] = [7; 32];

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<_> = STANDARD.encode(der).into_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A P-256 key as a bare SEC 1 structure, without the point and without the curve.
fn sec1() -> Vec<u8> {
    der::element(der::SEQUENCE, &[&der::integer(&[1]), &der::element(der::OCTET_STRING, &[&P256_SEED])]).to_vec()
}

fn rsa_pkcs8() -> Vec<u8> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let document: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    document.as_ref().to_vec()
}

fn from(text: &str) -> Result<SigningKey, Error> {
    SigningKey::from_text(Secret::new(text.to_owned()))
}

async fn signature_verifies(key: &SigningKey) -> bool {
    let jwk = key.public_jwk().unwrap();
    let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text.unwrap()).unwrap();
    let signed = key.sign(b"message").await.unwrap();
    match key.algorithm() {
        Algorithm::Es256 | Algorithm::Es384 => {
            let algorithm: &dyn signature::VerificationAlgorithm = match key.algorithm() {
                Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
                _ => &signature::ECDSA_P384_SHA384_FIXED,
            };
            let point = [vec![4], bytes(jwk.x), bytes(jwk.y)].concat();
            algorithm.verify_sig(&point, b"message", &signed).is_ok()
        }
        rsa => {
            let algorithm = match rsa {
                Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                _ => &signature::RSA_PKCS1_2048_8192_SHA256,
            };
            let public = aws_lc_rs::rsa::PublicKeyComponents { n: bytes(jwk.n), e: bytes(jwk.e) };
            public.verify(algorithm, b"message", &signed).is_ok()
        }
    }
}

#[tokio::test]
async fn rsa_keys_are_read_in_both_wrappings_and_with_escaped_line_ends() {
    let pkcs8 = rsa_pkcs8();
    let (_, pkcs1) = der::pkcs8(&pkcs8).unwrap();
    let texts = [pem("PRIVATE KEY", &pkcs8), pem("RSA PRIVATE KEY", pkcs1)];
    let mut key_ids = Vec::new();
    for text in texts.iter().flat_map(|text| [text.clone(), text.replace('\n', "\\n"), text.replace('\n', "\r\n")]) {
        let key = from(&text).unwrap();
        assert!(signature_verifies(&key).await);
        key_ids.push(key.key_id().to_owned());
    }
    key_ids.dedup();
    assert_eq!(key_ids.len(), 1, "the thumbprint does not depend on the wrapping");
    for algorithm in [Algorithm::Rs384, Algorithm::Rs512] {
        let key = from(&texts[0]).unwrap().with_algorithm(algorithm).unwrap();
        assert_eq!(key.public_jwk().unwrap().alg, algorithm.as_str());
        assert!(signature_verifies(&key).await);
    }
    assert!(from(&texts[0]).unwrap().with_algorithm(Algorithm::Es256).is_err());
}

#[tokio::test]
async fn elliptic_curve_keys_are_read_as_sec_1_and_pkcs_8_on_both_curves() {
    let parameters = pem("EC PARAMETERS", &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    let bare = from(&format!("{parameters}{}", pem("EC PRIVATE KEY", &sec1()))).unwrap();
    assert_eq!(bare.algorithm(), Algorithm::Es256);
    assert!(signature_verifies(&bare).await);
    for (algorithm, expected) in
        [(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::Es256), (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::Es384)]
    {
        let document = signature::EcdsaKeyPair::generate_pkcs8(algorithm, &aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let wrapped = from(&pem("PRIVATE KEY", document.as_ref())).unwrap();
        let (_, inner) = der::pkcs8(document.as_ref()).unwrap();
        let unwrapped = from(&pem("EC PRIVATE KEY", inner)).unwrap();
        assert_eq!((wrapped.algorithm(), unwrapped.key_id()), (expected, wrapped.key_id()));
        assert!(signature_verifies(&wrapped).await && signature_verifies(&unwrapped).await);
    }
}

#[tokio::test]
async fn private_json_web_keys_are_read_with_their_key_id() {
    let pair =
        signature::EcdsaKeyPair::from_private_key_der(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &der::wrap_ec(der::P256, &sec1()))
            .unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = serde_json::json!({
        "kty": "EC", "crv": "P-256", "kid": "k1", "x": encode(&point[1..33]), "y": encode(&point[33..]), "d": encode(&P256_SEED),
    });
    let key = from(&jwk.to_string()).unwrap();
    assert_eq!((key.key_id(), key.algorithm()), ("k1", Algorithm::Es256));
    assert!(signature_verifies(&key).await);
    assert_eq!(key.clone().with_key_id("k2").public_jwk().unwrap().kid, "k2");

    let mut other_point = jwk.clone();
    other_point["x"] = encode(&[1; 32]).into();
    assert!(from(&other_point.to_string()).is_err(), "a public half that does not belong to the private one");

    let pkcs8 = rsa_pkcs8();
    let (_, pkcs1) = der::pkcs8(&pkcs8).unwrap();
    let (mut rest, mut numbers) = (der::take(pkcs1, der::SEQUENCE).unwrap().0, Vec::new());
    while let Some((number, after)) = der::take(rest, der::INTEGER) {
        numbers.push(encode(number));
        rest = after;
    }
    let names = ["version", "n", "e", "d", "p", "q", "dp", "dq", "qi"];
    let mut jwk: serde_json::Map<_, _> = names.iter().zip(numbers).map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    jwk.insert("kty".into(), "RSA".into());
    jwk.insert("alg".into(), "RS384".into());
    let key = from(&serde_json::Value::from(jwk).to_string()).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Rs384);
    assert!(signature_verifies(&key).await);
}

#[test]
fn the_key_id_is_the_thumbprint_of_rfc_7638() {
    // The example key of RFC 7638, section 3.1, is public only, so the thumbprint of our own key is computed by hand.
    let key = from(&pem("EC PRIVATE KEY", &sec1())).unwrap();
    let jwk = key.public_jwk().unwrap();
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, jwk.x.unwrap(), jwk.y.unwrap());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
    assert_eq!(key.key_id(), URL_SAFE_NO_PAD.encode(digest));
}

#[test]
fn p17_what_is_no_usable_key_is_refused_without_quoting_it() {
    let public_only = r#"{"kty":"RSA","n":"CANARY","e":"AQAB"}"#;
    let texts = [
        "",
        "CANARY",
        "{\"kty\":\"CANARY",
        "{}",
        public_only,
        "{\"kty\":\"oct\",\"k\":\"CANARY\"}",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n!CANARY!\n-----END PRIVATE KEY-----",
        &pem("PRIVATE KEY", b"CANARY"),
        &pem("RSA PRIVATE KEY", b"CANARY"),
        &pem("EC PRIVATE KEY", b"CANARY"),
        &pem("ENCRYPTED PRIVATE KEY", b"CANARY"),
        &pem("PUBLIC KEY", b"CANARY"),
        &pem("CERTIFICATE", b"CANARY"),
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nCANARY\n-----END RSA PRIVATE KEY-----",
    ];
    for text in texts {
        let error = from(text).unwrap_err();
        assert!(matches!(error, Error::Key { .. }), "{text}");
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("idsync-okta-key-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("key.pem");
    std::fs::write(&path, pem("EC PRIVATE KEY", &sec1())).unwrap();
    for (mode, accepted) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let read = SigningKey::from_file(&path);
        assert_eq!(read.is_ok(), accepted, "{mode:o}: {read:?}");
        assert!(read.is_ok() || read.unwrap_err().to_string().contains("chmod 600"));
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(matches!(SigningKey::from_file(&path), Err(Error::Key { .. })));
}

#[test]
fn new_keys_sign_are_read_back_and_are_saved_for_their_owner_alone() {
    let folder = std::env::temp_dir().join(format!("idsync-new-key-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (kind, algorithm) in [(KeyKind::Es256, Algorithm::Es256), (KeyKind::Rsa3072, Algorithm::Rs256)] {
        let new = NewKey::generate(kind).unwrap();
        let path = folder.join(format!("{kind:?}.pem"));
        new.save(&path).unwrap();
        let read = SigningKey::from_file(&path).unwrap();
        assert_eq!((read.algorithm(), read.key_id()), (algorithm, new.signing_key().key_id()));
        assert_eq!(read.public_jwk(), new.signing_key().public_jwk());
        assert!(!format!("{new:?}").contains("PRIVATE"));
        let again = new.save(&path).unwrap_err().to_string();
        assert!(again.contains("is there already"), "{again}");
    }
    let modulus = SigningKey::from_file(folder.join("Rsa3072.pem")).unwrap().public_jwk().unwrap().n.unwrap();
    assert_eq!(modulus.len(), 512, "3072 bits");
    std::fs::remove_dir_all(&folder).unwrap();
}
