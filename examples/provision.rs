//! Connects to an Okta org in one step. `provision --help` says how.

#![warn(clippy::print_stderr, clippy::print_stdout)]

use idsync::okta::{
    AppSpec, Connection, Error, KeySource, OktaProvisioner, OrgUrl, ProvisionPlan, READER_SCOPES, SetupFault, StepOutcome, TerraformModule,
    manual_steps,
};
use idsync_examples::app_key::{Key, new_file, relative, saved_key};
use idsync_examples::connection::{ConnectionFile, with_suffix};
use idsync_examples::exit::Exit;
use idsync_examples::failure::Failure;
use idsync_examples::notes::Notes;
use idsync_examples::patience::Patience;
use idsync_examples::provision_failure::Unfinished;
use idsync_examples::provision_flags::{self, Action, Asked, Output, ProvisionFlags, TokenFate};
use idsync_examples::turn::{NoTurn, Turn};
use idsync_examples::{note, say, setup_token};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[tokio::main]
async fn main() -> ExitCode {
    let wants_json = std::env::args_os().any(|arg| arg == "--json");
    let flags = match provision_flags::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Help) => {
            idsync_examples::help::show(provision_flags::HELP);
            return Exit::Done.into();
        }
        Ok(Asked::Run(flags)) => flags,
        Ok(_) => return Exit::Usage.into(),
        Err(usage) => {
            let output = if wants_json { Output::Json } else { Output::Text };
            return Unfinished::from(usage.of("provision")).tell(output);
        }
    };
    idsync_examples::log::to_stderr();
    let run = Run::new(&flags);
    let ended = match flags.output {
        Output::Text => run.patience.with(run.act()).await,
        _ => run.act().await,
    };
    match ended {
        Ok(Told { text, object }) => {
            match flags.output {
                Output::Json => say!("{object}"),
                _ => say!("{text}"),
            }
            Exit::Done.into()
        }
        Err(failure) => failure.tell(flags.output),
    }
}

/// What is printed at the end.
struct Told {
    text: String,
    object: Value,
}

struct Run<'a> {
    flags: &'a ProvisionFlags,
    /// Where the key of the app is, or will be.
    key: PathBuf,
    /// What is made is noted there while it is made.
    notes: Arc<Notes>,
    patience: Arc<Patience>,
}

impl<'a> Run<'a> {
    fn new(flags: &'a ProvisionFlags) -> Self {
        let key = flags.key.clone().or_else(|| connected_key(flags)).unwrap_or_else(|| PathBuf::from("idsync-key.pem"));
        Self { flags, key, notes: Arc::new(Notes::beside(&flags.connection)), patience: Arc::default() }
    }

    async fn act(&self) -> Result<Told, Unfinished> {
        // What cannot be wanted is told before anybody is asked, and before a key is made.
        self.spec(no_key()?)?;
        match &self.flags.action {
            Action::Plan => return self.plan().await,
            Action::Terraform(folder) => return self.terraform(folder),
            Action::Manual => return self.manual(),
            _ => {}
        }
        let _turn = self.turn()?;
        match &self.flags.action {
            Action::Rotate => self.rotate().await,
            Action::Teardown => self.teardown().await,
            Action::Undo => self.undo().await,
            _ => self.apply().await,
        }
    }

    /// Keeps other runs away from the connection and from what is beside it.
    fn turn(&self) -> Result<Turn, Unfinished> {
        let connection = &self.flags.connection;
        Turn::take(connection).map_err(|why| match why {
            NoTurn::Unwritable(problem) => Self::no_folder(problem),
            _ => Unfinished::busy(&connection.display().to_string()),
        })
    }

    fn org(&self) -> Result<OrgUrl, Unfinished> {
        let org = OrgUrl::parse_or_local(&self.flags.org)?;
        if let Some(correction) = org.correction() {
            note!("provision: {correction}");
        }
        Ok(org)
    }

    fn provisioner(&self) -> Result<OktaProvisioner, Unfinished> {
        let org = self.org()?;
        let token = setup_token::read(&self.flags.token)?;
        let is_told = self.flags.output == Output::Text;
        let (notes, patience) = (Arc::clone(&self.notes), Arc::clone(&self.patience));
        let listener = move |outcome: &StepOutcome| {
            // First the note: what was told may be the last thing that this run does. What is made can be found again without it, so
            // that its failure is no reason to stop half-way.
            if let StepOutcome::Done { made: Some(thing), .. } = outcome
                && let Err(problem) = notes.note(thing.clone())
            {
                note!("provision: {problem}");
            }
            match outcome {
                StepOutcome::Begun(step) => patience.begun(step),
                _ => patience.over(),
            }
            if is_told {
                tell_step(outcome);
            }
        };
        Ok(OktaProvisioner::builder(org, token).on_step(Arc::new(listener)).build()?)
    }

    /// What is made is noted beside the connection, so that this must be possible before anything is made.
    fn check_folder(&self) -> Result<(), Unfinished> {
        self.notes.try_out().map_err(Self::no_folder)
    }

    /// What there is of another org is neither written over nor taken for what is there: it is all that tells what was made in that one.
    fn check_org(&self, org_id: &str) -> Result<(), Unfinished> {
        let path = &self.flags.connection;
        let connected = ConnectionFile::read(path).ok().map(|file| file.connection.org_id);
        let is_other = |id: &String| !id.is_empty() && id != org_id;
        let checked = match connected.filter(is_other) {
            Some(other) => Err(format!("{} is a connection to the org {other}, and this is the org {org_id}", path.display())),
            None => self.notes.are_of(org_id),
        };
        checked.map_err(|problem| Failure::usage(problem, provision_flags::OTHER_ORG).into())
    }

    fn no_folder(problem: String) -> Unfinished {
        let remedy = "check that the folder of the connection is there and may be written by you; nothing was made";
        Failure::usage(problem, remedy).into()
    }

    fn spec(&self, key: KeySource) -> Result<AppSpec, Unfinished> {
        let flags = self.flags;
        let mut spec = AppSpec::new(&flags.label, key)?.with_role(flags.role).with_binding(flags.binding);
        if let Some(scopes) = &flags.scopes {
            spec = spec.with_scopes(scopes.clone())?;
            let missing: Vec<_> = READER_SCOPES.into_iter().filter(|needed| !scopes.iter().any(|scope| scope == needed)).collect();
            if !missing.is_empty() {
                // It would be made, and then fail when it is proven.
                let missing = missing.join(" and ");
                return Err(Unfinished::usage(format!("--scopes: {missing} must be among them, or the app cannot read the org")));
            }
        }
        Ok(match flags.rate_share {
            Some(share) => spec.with_rate_share(share),
            None => spec,
        })
    }

    async fn plan(&self) -> Result<Told, Unfinished> {
        // Nothing is written, so a new key serves to look only.
        let key = Key::at(&self.key, self.flags.key_kind)?;
        let plan = self.provisioner()?.plan(&self.spec(KeySource::Private(key.signing_key().clone()))?).await?;
        let mut text = about(&plan);
        match plan.steps.len() {
            0 => text.push_str("Nothing is left to do.\n"),
            _ => text.push_str("To be done:\n"),
        }
        plan.steps.iter().for_each(|step| text.push_str(&format!("  - {step}\n")));
        text.extend(other_keys(&plan));
        let steps: Vec<_> = plan.steps.iter().map(ToString::to_string).collect();
        let object = json!({"outcome": "planned", "preflight": plan.preflight, "app_id": plan.app_id, "steps": steps,
            "duplicates": plan.duplicates, "other_keys": plan.other_keys, "error": null});
        Ok(Told { text: text.trim_end().to_owned(), object })
    }

    async fn apply(&self) -> Result<Told, Unfinished> {
        let flags = self.flags;
        self.check_folder()?;
        let provisioner = self.provisioner()?;
        let key = Key::at(&self.key, flags.key_kind)?;
        let plan = provisioner.plan(&self.spec(KeySource::Private(key.signing_key().clone()))?).await?;
        self.check_org(&plan.preflight.org_id)?;
        if !self.notes.made().is_empty() {
            note!("provision: an earlier run was interrupted; going on from what it made. Its setup token may still be valid.");
        }
        if flags.output == Output::Text {
            say!("{}", about(&plan).trim_end());
        }
        // Nobody is left with a key and no rights, and there is no app whose key nobody has.
        key.save(&self.key)?;
        plan.duplicates
            .iter()
            .for_each(|app| note!("provision: app {app} has the same label and was made by idsync, too; it is left alone"));
        other_keys(&plan).iter().for_each(|told| note!("provision: {told}"));
        let connection = provisioner.apply(&plan).await?;
        let file = ConnectionFile::new(connection.clone(), relative(&flags.connection, &self.key));
        file.write(&flags.connection)?;
        self.notes.forget();
        let token = self.end_token(&provisioner).await?;
        let shown = flags.connection.display();
        let text = format!(
            "app {} can read the org: {}; {}\nNext: cargo run --release --example sync -- --connection {shown} --plan",
            connection.client_id,
            connection.scopes.join(", "),
            connection.role
        );
        let object = json!({"outcome": "provisioned", "connection": file, "steps": plan.steps.len(), "other_keys": plan.other_keys,
            "setup_token": token, "error": null});
        Ok(Told { text, object })
    }

    /// Revokes the setup token, unless it is to be kept.
    async fn end_token(&self, provisioner: &OktaProvisioner) -> Result<&'static str, Unfinished> {
        let (word, told) = match self.flags.fate {
            TokenFate::Kept => ("kept", "the setup token was kept, as you asked; revoke it when you do not need it any more"),
            _ => {
                provisioner.revoke_setup_token().await?;
                ("revoked", "the setup token is revoked, and does not work any more")
            }
        };
        if self.flags.output == Output::Text {
            say!("{told}");
        }
        Ok(word)
    }

    /// The connection that is to be changed.
    fn connection(&self) -> Result<ConnectionFile, Unfinished> {
        let failed = |problem| Failure::usage(problem, provision_flags::CONNECT_FIRST).into();
        ConnectionFile::read(&self.flags.connection).map_err(failed)
    }

    async fn rotate(&self) -> Result<Told, Unfinished> {
        let path = &self.flags.connection;
        let file = self.connection()?;
        let old = file.key_path(path);
        let next = with_suffix(&old, ".next");
        let provisioner = self.provisioner()?;
        let key = saved_key(&next, self.flags.key_kind)?;
        let new = new_file(&old, &key);
        let keep = |connection: &Connection| {
            let kept = std::fs::rename(&next, &new).map_err(|error| format!("{} cannot be moved: {error}", next.display()));
            let kept = kept.and_then(|()| ConnectionFile::new(connection.clone(), relative(path, &new)).write(path));
            kept.map_err(Into::into)
        };
        let connection = provisioner.rotate_key(&file.connection, &key, keep).await?;
        let mut text = format!("app {} signs in with the key in {} from now on", connection.client_id, new.display());
        // The app does not know the old one any more, so that it does no harm if it stays.
        if old != new && std::fs::remove_file(&old).is_ok() {
            text += &format!("; the old key file {} is deleted", old.display());
        }
        let token = self.end_token(&provisioner).await?;
        let object = json!({"outcome": "rotated", "connection": ConnectionFile::new(connection, relative(path, &new)), "setup_token": token,
            "error": null});
        Ok(Told { text, object })
    }

    async fn teardown(&self) -> Result<Told, Unfinished> {
        let path = &self.flags.connection;
        let file = self.connection()?;
        let provisioner = self.provisioner()?;
        let removed = provisioner.teardown(&file.connection).await?;
        let token = self.end_token(&provisioner).await?;
        let text = match removed.removed.len() {
            0 => "Nothing was left to remove.".to_owned(),
            _ => format!("Removed: {}", removed.removed.join(", ")),
        };
        let text = format!("{text}\nThe files {} and {} are yours to delete.", path.display(), file.key_path(path).display());
        Ok(Told { text, object: json!({"outcome": "removed", "removed": removed.removed, "setup_token": token, "error": null}) })
    }

    async fn undo(&self) -> Result<Told, Unfinished> {
        let journal = self.notes.made();
        let provisioner = self.provisioner()?;
        let preflight = provisioner.preflight().await?;
        if journal.is_empty() {
            return self.nothing_to_undo(&provisioner).await;
        }
        self.check_org(&preflight.org_id)?;
        let removed = provisioner.undo(&journal).await?;
        self.notes.forget();
        let token = self.end_token(&provisioner).await?;
        let text = if removed.removed.is_empty() {
            "Nothing was left to undo.".to_owned()
        } else {
            format!("Removed: {}", removed.removed.join(", "))
        };
        Ok(Told { text, object: json!({"outcome": "removed", "removed": removed.removed, "setup_token": token, "error": null}) })
    }

    /// Says what stands where nothing is noted: whoever asks believes that something does. The setup token stays, for it served nothing.
    async fn nothing_to_undo(&self, provisioner: &OktaProvisioner) -> Result<Told, Unfinished> {
        let flags = self.flags;
        let app = self.standing_app(provisioner).await?;
        let (label, connection) = (&flags.label, flags.connection.display());
        let stands = match &app {
            None => format!("No app with the label {label} was made by idsync."),
            Some(app) if flags.connection.exists() => {
                format!("App {app} with the label {label} was made by idsync. If it is the one of {connection}, --teardown removes it.")
            }
            Some(app) => format!(
                "App {app} with the label {label} was made by idsync. To remove it, run provision again, which goes on from there and writes \
                 {connection}, and then --teardown."
            ),
        };
        let notes = self.notes.path().display();
        let text = format!("{notes} holds no notes of an interrupted run: nothing was undone.\n{stands}\nThe setup token is not revoked.");
        let object = json!({"outcome": "removed", "removed": [], "app_id": app, "setup_token": "kept", "error": null});
        Ok(Told { text, object })
    }

    /// The app of ours with this label, if there is one.
    async fn standing_app(&self, provisioner: &OktaProvisioner) -> Result<Option<String>, Unfinished> {
        match provisioner.plan(&self.spec(no_key()?)?).await {
            Ok(plan) => Ok(plan.app_id),
            Err(Error::Setup { fault: SetupFault::ForeignApp { .. } | SetupFault::ForeignRole { .. }, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn terraform(&self, folder: &Path) -> Result<Told, Unfinished> {
        let key = saved_key(&self.key, self.flags.key_kind)?;
        let module = TerraformModule::from_spec(&self.spec(KeySource::Private(key))?, &self.org()?)?;
        module.write(folder)?;
        let text = format!("The module is in {}; its README.md says how to go on.", folder.display());
        Ok(Told { text, object: json!({"outcome": "written", "folder": folder, "error": null}) })
    }

    fn manual(&self) -> Result<Told, Unfinished> {
        let key = saved_key(&self.key, self.flags.key_kind)?;
        let steps = manual_steps(&self.spec(KeySource::Private(key))?, &self.org()?);
        Ok(Told { object: json!({"outcome": "manual", "steps": steps, "error": null}), text: steps })
    }
}

/// The key of the connection that is there, if it is one to this app: with another key the app would have two.
fn connected_key(flags: &ProvisionFlags) -> Option<PathBuf> {
    let file = ConnectionFile::read(&flags.connection).ok()?;
    let (here, there) = (OrgUrl::parse_or_local(&flags.org).ok()?, OrgUrl::parse_or_local(&file.connection.org).ok()?);
    let label = AppSpec::new(&flags.label, no_key().ok()?).ok()?.label().to_owned();
    let is_same = file.connection.label == label && here.to_string() == there.to_string();
    is_same.then(|| file.key_path(&flags.connection))
}

/// Stands in for a key where none is needed, because nothing is written.
fn no_key() -> Result<KeySource, Unfinished> {
    let anywhere = "https://keys.example.com".parse().map_err(|_| "no address to stand in for a key".to_owned())?;
    Ok(KeySource::JwksUri(anywhere))
}

fn about(plan: &ProvisionPlan) -> String {
    let owner = plan.preflight.owner.as_deref().unwrap_or(&plan.preflight.owner_id);
    let app = plan.app_id.as_ref().map_or_else(|| "there is no app yet".to_owned(), |app| format!("app {app} is there"));
    format!("org {}, as {owner}: {app}\n", plan.preflight.org_id)
}

/// The keys that go on working beside the one that is meant: they may be in use, and they may be lost.
fn other_keys(plan: &ProvisionPlan) -> Option<String> {
    let app = plan.app_id.as_ref().filter(|_| !plan.other_keys.is_empty())?;
    let keys = plan.other_keys.join(", ");
    Some(format!("app {app} also signs in with other keys, which are left alone: {keys}. To take them away, run --rotate afterwards"))
}

fn tell_step(outcome: &StepOutcome) {
    match outcome {
        StepOutcome::Done { step, .. } => say!("  done: {step}"),
        StepOutcome::Unsure { step, reason } => say!("  unsure: {step} ({reason})"),
        _ => {}
    }
}
