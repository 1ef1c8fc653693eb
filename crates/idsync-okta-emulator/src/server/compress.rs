//! Answers as gzip.

use super::answer::Answer;
use crate::org::{Compression, Shared};
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;
use std::io::Write;

/// Compresses the body where the org does, and where the request asks for it.
pub(super) fn compress(shared: &Shared, request: &HeaderMap, answer: &mut Answer) {
    if shared.access().quirks.compression != Compression::Gzip || !takes_gzip(request) {
        return;
    }
    answer.settle(&shared.base);
    // What is padded is padded within its JSON.
    if answer.body.is_empty() || answer.delivery.padding > 0 {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to a vector cannot fail.
    if let Ok(packed) = encoder.write_all(&answer.body).and_then(|()| encoder.finish()) {
        answer.body = packed.into();
        answer.add_header("content-encoding", "gzip");
        answer.add_header("vary", "accept-encoding");
    }
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_nobody_who_does_not_want_it() {
        for (wanted, value) in [
            (true, "gzip"),
            (true, "br, GZIP;q=0.5"),
            (true, "deflate,gzip"),
            (false, ""),
            (false, "identity"),
            (false, "gzip; q=0"),
            (false, "xgzip"),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), wanted, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
