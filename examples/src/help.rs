//! What `sync --help` prints, and how.

use crate::say;

/// Prints a help.
pub fn show(text: &str) {
    say!("{}", text.trim_end_matches('\n'));
}

/// What `sync --help` prints.
pub const HELP: &str = "\
Brings an SQLite file in step with an Okta org: users, groups and memberships.

USAGE
  sync --org URL (--client-id ID --key FILE | --api-token-env VAR) [--database FILE] [OPTIONS]
  sync --connection FILE [--database FILE] [OPTIONS]

WHERE FROM
  --org URL               The org, such as acme.okta.com or https://acme.okta.com
  --client-id ID          The service app (0oa...). It needs the scopes okta.users.read and
                          okta.groups.read, and a role that may read users and groups, such as
                          Read-only Administrator
  --key FILE              Its private key: PEM (PKCS#8, PKCS#1 or SEC1) or JWK, readable by you
                          alone (chmod 600), or a pipe, such as <(...)
  --api-token-env VAR     Use the API token in this environment variable instead of a service app
  --connection FILE       A JSON file with the members org, client_id and key_file, or a pipe, in
                          place of the flags above; provision writes such a file

WHERE TO
  --database FILE         The SQLite file; made when it is not there         [default: idsync.db]
                          Tables: users, groups, memberships, changes

WHAT TO DO
  --plan                  Read, and print what a sync would do; the tables stay as they are
  --apply HASH            Read again, and apply the plan with this hash if it is still exactly
                          what would happen
  --status                Print where things stand: the last runs, what a safeguard holds, what
                          the database refused, and whether the org is set aside because its runs
                          kept failing. Okta is not read
  --held                  Print the changes that a safeguard holds: how many, why, which, and
                          whom they reach
  --approve HASH          Apply the held set with this hash, if Okta still wants exactly that
  --reject HASH           Leave the held set with this hash unapplied, and do not ask again
  --release               Sync now, even if the org is set aside, and try all refused changes again
  --delete-limit LIMIT    Hold removals of a kind above N, P% or off, within a day
                          [default: a tenth, at least 10 and at most 500; of memberships a fifth,
                          at least 10, and half of a group that has 20]
  --change-limit LIMIT    Hold creations and updates of a kind above N, P% or off, within a day;
                          a first sync is free                               [default: off]
  --protect LOGIN         Never delete or deactivate the user with this login; may be repeated
  --include-deprovisioned Sync deactivated users too, instead of treating them as gone
  --include-everyone      Sync the members of the group Everyone too

WHICH PART OF IT
  --group ID              Only this group; may be repeated
  --group-prefix TEXT     Only groups whose name begins like this, whatever the case; may be
                          repeated
  --group-search EXPR     Only groups for which this holds, such as 'type eq \"OKTA_GROUP\"'
  --users-in-groups       Only the members of these groups
  --user-search EXPR      Only users for whom this holds, such as 'profile.department eq \"Sales\"'
  --attributes NAMES      Only these attributes of users, separated by commas; Okta sends no others
  Another part makes the next sync read everything; what leaves it is removed, within the limits

HOW
  --rate-share P%         Use at most this share of the rate limit that Okta shows us
                                                                             [default: 80%]
  --patience SECONDS      How long one request is tried again before it is given up
                                                                             [default: 300]
  --user-chains N         List users along N chains at once, by search: for orgs with tens of
                          thousands of users                                 [default: 1]
  --full                  Read everything, even if what changed since the last run would do.
                          Without it everything is read once a day
  --json                  Print exactly one JSON object on standard output
  --quiet                 Print nothing but errors
  --help                  Print this

EXIT CODES
  0 done   2 wrong usage or configuration, or a HASH of nothing that is planned or held (any more)
  3 changes held by a safeguard (the rest is done)   4 the org refused: credential, scope or role
  5 the read could not be completed, try again   6 the sink failed or refused changes
  7 another run holds the directory

A change that the database refuses is tried again with the next run, then after 5 minutes, 10, and
so on up to a day. An org whose runs failed five times in a row is left alone: for 6, 12, then 24
hours when it refused, for 15 minutes and up when it could not be read. --status tells, --release
ends both.
Nothing is deleted unless the read was complete and Okta, asked by id, says that it is gone.
A run that is killed at any point is finished by the next one.
";
