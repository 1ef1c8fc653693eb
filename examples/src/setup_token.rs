//! Where the setup token comes from: never from the command line, which others can read.

use crate::provision_flags::TokenSource;
use idsync::Secret;
use idsync::okta::ApiToken;
use std::io::IsTerminal;
use std::path::Path;

/// Reads the token.
///
/// # Errors
/// It is not there, or in a file that others can read; in one line.
pub fn read(source: &TokenSource) -> Result<ApiToken, String> {
    let text = match source {
        TokenSource::Environment(variable) => {
            std::env::var(variable).map_err(|_| format!("--setup-token-env: the environment variable {variable} is not set"))?
        }
        TokenSource::File(path) => from_file(path)?,
        _ if std::io::stdin().is_terminal() => {
            rpassword::prompt_password("API token of a super administrator (it is not shown): ").map_err(|error| error.to_string())?
        }
        _ => return Err("there is no terminal to ask for the setup token: give --setup-token-env or --setup-token-file".to_owned()),
    };
    match text.trim() {
        "" => Err("the setup token is empty".to_owned()),
        token => Ok(ApiToken::new(Secret::new(token.to_owned()))),
    }
}

fn from_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("--setup-token-file: {shown} cannot be read: {error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!("--setup-token-file: {shown} can be read by others (mode {mode:03o}); run `chmod 600 {shown}`"));
        }
    }
    std::fs::read_to_string(path).map_err(unreadable)
}
