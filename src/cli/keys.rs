//! `tidewatch keys`: create, list and revoke API keys. Works on the data directory alone, with or without a
//! server beside it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use compact_str::CompactString;
use serde_json::json;

use crate::auth::{
    DEFAULT_TENANT, KeyDescription, KeyError, KeyStore, KeySummary, Role, Scope, ScopeEntry, ScopeError,
};
use crate::config;

/// Create, list and revoke API keys; a running server follows within a second.
#[derive(Debug, Args)]
pub struct KeysCommand {
    /// The directory that holds all that must last
    #[arg(long, value_name = "DIR", default_value = "snapshots", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    action: KeysAction,
}

#[derive(Debug, Subcommand)]
enum KeysAction {
    /// Create a key and print it, for the only time
    Create(CreateKey),
    /// List the keys, revoked ones included, without their secrets
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key for good
    Revoke {
        /// The key's id, as `keys list` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Args)]
struct CreateKey {
    /// The name that audit and votes go by
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A role: viewer, planner, category_manager, supply_planner, finance, supplier, integration, agent,
    /// auditor or admin (repeatable)
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<Role>,
    /// The tenant that all requests with the key are about
    #[arg(long, value_name = "TENANT", default_value = DEFAULT_TENANT, value_parser = parse_tenant)]
    tenant: CompactString,
    /// Show a part of the tenant: location=ID, path=LEVEL/LEVEL or supplier=ID (repeatable; the same kind
    /// means or, different kinds mean and)
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<ScopeEntry>,
    /// Print {"id", "key"} as JSON
    #[arg(long)]
    json: bool,
}

fn parse_tenant(name: &str) -> Result<CompactString, String> {
    if config::is_tenant_name(name) {
        Ok(CompactString::from(name))
    } else {
        Err(format!("a tenant's name is {}", config::TENANT_NAME_ALLOWED))
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
}

/// Runs the command: 0 if it was done, 1 if it failed (said on standard error). Usage is 2, from the parser.
#[must_use]
pub fn run(command: KeysCommand) -> ExitCode {
    match execute(command, &mut io::stdout().lock(), &mut io::stderr().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; the exit code still tells.
            let _ = writeln!(io::stderr(), "tidewatch keys: {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: KeysCommand, out: &mut impl Write, notes: &mut impl Write) -> Result<(), KeysError> {
    let store = KeyStore::new(command.data);
    match command.action {
        KeysAction::Create(create) => create_key(&store, create, out, notes),
        KeysAction::List { json } => list_keys(&store.list()?, json, out),
        KeysAction::Revoke { id } => {
            let key = store.revoke(&id)?;
            Ok(writeln!(out, "revoked {} ({})", key.id, key.name)?)
        }
    }
}

fn create_key(
    store: &KeyStore,
    create: CreateKey,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), KeysError> {
    let scope = Scope::from_entries(create.scopes)?;
    if create.roles.contains(&Role::Supplier) && !scope.names_suppliers() {
        writeln!(notes, "note: without --scope supplier=ID a supplier's key sees the whole tenant")?;
    }
    let roles = create.roles.into_iter().collect();
    let description = KeyDescription { name: create.name, roles, tenant: create.tenant, scope };
    let created = store.create(description)?;
    let key = created.key.reveal();
    if create.json {
        writeln!(out, "{}", json!({ "id": created.id, "key": key }))?;
    } else {
        writeln!(out, "id   {}\nkey  {key}", created.id)?;
        writeln!(notes, "The key is shown this once. Send it as `Authorization: Bearer KEY`.")?;
    }
    Ok(out.flush()?)
}

fn list_keys(keys: &[KeySummary], json: bool, out: &mut impl Write) -> Result<(), KeysError> {
    if json {
        return Ok(writeln!(out, "{}", json!({ "items": keys }))?);
    }
    if keys.is_empty() {
        return Ok(writeln!(out, "no keys")?);
    }
    for key in keys {
        let roles: Vec<_> = key.roles.iter().map(Role::as_str).collect();
        let scopes: Vec<_> = key.scopes.entries().map(|entry| entry.to_string()).collect();
        let scopes = if scopes.is_empty() { "everything".to_owned() } else { scopes.join(",") };
        let state = key.revoked_at.map_or_else(|| "good".to_owned(), |at| format!("revoked {at:.0}"));
        let (id, name, tenant, created) = (&key.id, &key.name, &key.tenant, key.created_at);
        let roles = roles.join(",");
        writeln!(out, "{id}  {name}  {roles}  {tenant}  {scopes}  created {created:.0}  {state}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Parser)]
    struct Tidewatch {
        #[command(flatten)]
        keys: KeysCommand,
    }

    /// What a command prints on standard output and standard error, in a data directory.
    fn check(directory: &tempfile::TempDir, arguments: &[&str]) -> Result<(String, String), KeysError> {
        let data = directory.path().to_str().expect("a path in UTF-8");
        let arguments = [&["tidewatch"], arguments, &["--data", data]].concat();
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let command = Tidewatch::try_parse_from(arguments).expect("usage");
        execute(command.keys, &mut out, &mut notes)?;
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ok((text(out), text(notes)))
    }

    fn usage_error(arguments: &[&str]) -> String {
        let arguments = ["tidewatch"].iter().chain(arguments);
        let error = Tidewatch::try_parse_from(arguments).expect_err("usage");
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    }

    #[test]
    fn create_prints_a_key_that_is_recognised() {
        let directory = tempfile::tempdir().expect("a directory");
        let create =
            "create --name anna --role viewer --role finance --tenant west --scope location=L1 --json";
        let (out, _) = check(&directory, &create.split(' ').collect::<Vec<_>>()).expect("created");
        let printed: Value = serde_json::from_str(&out).expect("JSON");
        let members: Vec<_> = printed.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["id", "key"]);

        let keys = KeyStore::new(directory.path()).load().expect("keys");
        let anna = keys.verify(printed["key"].as_str().expect("a key")).expect("anna");
        assert_eq!((anna.name.as_str(), anna.tenant.as_str()), ("anna", "west"));
        assert!(anna.roles.contains(Role::Viewer) && anna.roles.contains(Role::Finance));
        assert!(anna.scope.admits_location("L1", &[]) && !anna.scope.admits_location("L2", &[]));
    }

    #[test]
    fn list_shows_what_create_and_revoke_did_and_no_secret() {
        let directory = tempfile::tempdir().expect("a directory");
        let (out, _) = check(&directory, &["create", "--name", "anna", "--role", "viewer"]).expect("created");
        let id =
            out.lines().next().and_then(|line| line.split_whitespace().nth(1)).expect("an id").to_owned();
        let key =
            out.lines().nth(1).and_then(|line| line.split_whitespace().nth(1)).expect("a key").to_owned();
        let (list, _) = check(&directory, &["list"]).expect("a list");
        assert!(list.starts_with(&format!("{id}  anna  viewer  default  everything  created 2")), "{list}");
        assert!(list.ends_with("  good\n") && !list.contains(&key), "{list}");

        let (out, _) = check(&directory, &["revoke", &id]).expect("revoked");
        assert_eq!(out, format!("revoked {id} (anna)\n"));
        let (list, _) = check(&directory, &["list", "--json"]).expect("a list");
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let anna = &list["items"][0];
        assert_eq!((&anna["id"], &anna["roles"]), (&json!(id), &json!(["viewer"])));
        assert!(anna["revoked_at"].is_string() && anna["hash"].is_null());
    }

    #[test]
    fn an_empty_directory_has_no_keys() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(check(&directory, &["list"]).expect("a list").0, "no keys\n");
        assert_eq!(check(&directory, &["list", "--json"]).expect("a list").0, "{\"items\":[]}\n");
    }

    #[test]
    fn a_suppliers_key_that_sees_everything_is_worth_a_note() {
        let directory = tempfile::tempdir().expect("a directory");
        let create = ["create", "--name", "s", "--role", "supplier", "--json"];
        let (_, notes) = check(&directory, &create).expect("created");
        assert!(notes.contains("--scope supplier=ID"), "{notes}");
        let scoped = [&create[..], &["--scope", "supplier=S1"]].concat();
        assert_eq!(check(&directory, &scoped).expect("created").1, "");
    }

    #[test]
    fn revoking_an_unknown_key_fails() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = check(&directory, &["revoke", "nobody"]).expect_err("unknown");
        assert_eq!(error.to_string(), "there is no key `nobody`");
    }

    #[test]
    fn wrong_usage_says_what_is_allowed() {
        assert!(usage_error(&["create", "--name", "a"]).contains("--role"));
        assert!(usage_error(&["create", "--role", "viewer"]).contains("--name"));
        assert!(usage_error(&["create", "--name", "a", "--role", "king"]).contains("the roles are viewer"));
        let with = |option, value| usage_error(&["create", "--name", "a", "--role", "viewer", option, value]);
        assert!(with("--scope", "region=EU").contains("path=LEVEL/LEVEL"));
        assert!(with("--tenant", "No Name").contains("a-z, 0-9, - and _"));
    }
}
