//! Who may use the control API.

use crate::server::Call;

/// Only who knows this machine by a name that cannot be somebody else's, and never a web page: a page of another origin could otherwise
/// reach the emulator through the browser of whoever runs it.
pub(super) fn is_allowed(call: &Call) -> bool {
    let host = call.host().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]") && !call.headers.contains_key("origin")
}
