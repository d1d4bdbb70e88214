//! API keys and the file that knows them.
//!
//! A key is `tw_ID_SECRET`, SECRET being 32 random bytes in base64url. The file `keys.json` in the data
//! directory holds, beside what the key is for, only a blake3 hash of the secret, keyed by `keys.secret`
//! beside it: neither file alone is of use to who steals it. Secrets have 256 bits, so a slow password hash
//! would add nothing but time to each request.
//!
//! Changes are made under a lock file and by atomic replacement, so that two commands at once lose nothing and
//! a reader never sees half a file.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use compact_str::CompactString;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{Principal, RoleSet, Scope};

const KEYS_FILE: &str = "keys.json";
const KEYING_SECRET_FILE: &str = "keys.secret";
const LOCK_FILE: &str = "keys.lock";
const KEY_PREFIX: &str = "tw_";
const FORMAT_VERSION: u32 = 1;
const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 8;
/// Keys in the file, revoked ones included; creating another one is refused.
const KEYS_MAX: usize = 10_000;
/// No file of `KEYS_MAX` keys with sensible scopes comes near this; a longer one is refused, not read.
const FILE_BYTES_MAX: u64 = 64 << 20;
const NAME_CHARS_MAX: usize = 128;

/// A name that no principal can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a name has 1 to 128 characters and no control characters")]
pub struct NameError;

/// Checks the name of a principal.
pub(super) fn principal_name(name: &str) -> Result<CompactString, NameError> {
    let usable = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if usable { Ok(CompactString::from(name)) } else { Err(NameError) }
}

/// What went wrong with the key files.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory in question.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The file is there and makes no sense.
    #[error("{}: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no key of this id.
    #[error("there is no key `{0}`")]
    UnknownKey(String),
    /// 10,000 keys are in the file.
    #[error("there are {KEYS_MAX} keys, revoked ones included; no more can be created")]
    TooManyKeys,
    /// The key would be nobody's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// What a new key is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// The principal's name: 1–128 characters, no control characters.
    pub name: String,
    /// What it may do.
    pub roles: RoleSet,
    /// Its tenant.
    pub tenant: CompactString,
    /// What it sees.
    pub scope: Scope,
}

/// A whole key, secret included. It is shown once, when it is created, and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// The text that a client sends.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(redacted)")
    }
}

/// A key that was just created.
#[derive(Clone, Debug)]
pub struct CreatedKey {
    /// What `keys revoke` wants.
    pub id: String,
    /// What the client wants.
    pub key: ApiKey,
}

/// What may be shown of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeySummary {
    /// The key's id, 16 hexadecimal digits.
    pub id: String,
    /// The principal's name.
    pub name: CompactString,
    /// Its roles.
    pub roles: RoleSet,
    /// Its tenant.
    pub tenant: CompactString,
    /// Its scope.
    pub scopes: Scope,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was revoked; `null` while it is good.
    pub revoked_at: Option<Timestamp>,
}

/// One key as the file has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    name: CompactString,
    roles: RoleSet,
    tenant: CompactString,
    scopes: Scope,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
    /// Hexadecimal keyed hash of id and secret.
    hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    version: u32,
    keys: Vec<StoredKey>,
}

impl StoredKey {
    fn summary(&self) -> KeySummary {
        KeySummary {
            id: self.id.clone(),
            name: self.name.clone(),
            roles: self.roles,
            tenant: self.tenant.clone(),
            scopes: self.scopes.clone(),
            created_at: self.created_at,
            revoked_at: self.revoked_at,
        }
    }
}

/// The secret that keys the hashes.
struct KeyingSecret([u8; SECRET_BYTES]);

impl KeyingSecret {
    /// The id is hashed with the secret, so that a hash moved to another entry of the file opens nothing.
    fn hash(&self, id: &str, secret: &[u8; SECRET_BYTES]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(secret);
        hasher.update(id.as_bytes());
        hasher.finalize()
    }
}

/// The key files of one data directory.
#[derive(Clone, Debug)]
pub struct KeyStore {
    directory: PathBuf,
}

impl KeyStore {
    /// The store in this data directory. Nothing is read or made yet.
    #[must_use]
    pub fn new(data_directory: impl Into<PathBuf>) -> Self {
        Self { directory: data_directory.into() }
    }

    /// Makes a key and returns it, for the only time. The directory and the files are made where they are
    /// missing.
    ///
    /// # Errors
    /// [`KeyError`]; then there is no new key.
    pub fn create(&self, description: KeyDescription) -> Result<CreatedKey, KeyError> {
        let name = principal_name(&description.name)?;
        fs::create_dir_all(&self.directory).map_err(|source| io_error(&self.directory, source))?;
        let _lock = self.lock()?;
        let mut file = self.read_file()?.unwrap_or(KeysFile { version: FORMAT_VERSION, keys: Vec::new() });
        if file.keys.len() >= KEYS_MAX {
            return Err(KeyError::TooManyKeys);
        }
        let keying_secret = match self.read_keying_secret()? {
            Some(secret) => secret,
            None if file.keys.is_empty() => self.create_keying_secret()?,
            None => return Err(self.keying_secret_missing()),
        };
        let mut id_bytes = [0; ID_BYTES];
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut id_bytes)?;
        getrandom::fill(&mut secret)?;
        // Hexadecimal, because an underscore ends the id within the key.
        let id = format!("{:016x}", u64::from_be_bytes(id_bytes));
        file.keys.push(StoredKey {
            hash: keying_secret.hash(&id, &secret).to_hex().to_string(),
            id: id.clone(),
            name,
            roles: description.roles,
            tenant: description.tenant,
            scopes: description.scope,
            created_at: Timestamp::now(),
            revoked_at: None,
        });
        self.write_file(&file)?;
        let key = ApiKey(format!("{KEY_PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret)));
        Ok(CreatedKey { id, key })
    }

    /// All keys in the order of their creation, revoked ones included.
    ///
    /// # Errors
    /// [`KeyError`] if the file is there and can't be read.
    pub fn list(&self) -> Result<Vec<KeySummary>, KeyError> {
        let file = self.read_file()?;
        Ok(file.into_iter().flat_map(|file| file.keys).map(|key| key.summary()).collect())
    }

    /// Revokes a key; one that is revoked already keeps its time.
    ///
    /// # Errors
    /// [`KeyError::UnknownKey`] if there is none of this id; otherwise the key is as good as before.
    pub fn revoke(&self, id: &str) -> Result<KeySummary, KeyError> {
        // Asked first without the lock, so that a wrong directory is not littered with a lock file.
        self.find(&mut self.read_file()?, id)?;
        let _lock = self.lock()?;
        let mut file = self.read_file()?;
        let key = self.find(&mut file, id)?;
        if key.revoked_at.is_none() {
            key.revoked_at = Some(Timestamp::now());
            let summary = key.summary();
            if let Some(file) = &file {
                self.write_file(file)?;
            }
            return Ok(summary);
        }
        Ok(key.summary())
    }

    /// All that is needed to recognise keys.
    ///
    /// # Errors
    /// [`KeyError`] if a file is there and can't be read, or there are keys without the secret for their
    /// hashes.
    pub fn load(&self) -> Result<KeySet, KeyError> {
        let Some(file) = self.read_file()? else {
            return Ok(KeySet::default());
        };
        let keying_secret = self.read_keying_secret()?;
        if keying_secret.is_none() && !file.keys.is_empty() {
            return Err(self.keying_secret_missing());
        }
        let mut keys = HashMap::with_capacity(file.keys.len());
        for key in file.keys.into_iter().filter(|key| key.revoked_at.is_none()) {
            let hash = blake3::Hash::from_hex(&key.hash).map_err(|error| KeyError::Corrupt {
                path: self.path(KEYS_FILE),
                reason: format!("the hash of key {}: {error}", key.id),
            })?;
            let principal =
                Principal { name: key.name, roles: key.roles, tenant: key.tenant, scope: key.scopes };
            keys.insert(key.id, KnownKey { hash, principal });
        }
        Ok(KeySet { keying_secret, keys })
    }

    /// Everything that must last of it; a file may be absent.
    pub fn files(&self) -> [PathBuf; 2] {
        [self.path(KEYS_FILE), self.path(KEYING_SECRET_FILE)]
    }

    /// The file whose replacement means that keys have changed.
    pub(super) fn keys_file(&self) -> PathBuf {
        self.path(KEYS_FILE)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn find<'file>(
        &self,
        file: &'file mut Option<KeysFile>,
        id: &str,
    ) -> Result<&'file mut StoredKey, KeyError> {
        let keys = file.iter_mut().flat_map(|file| &mut file.keys);
        keys.into_iter().find(|key| key.id == id).ok_or_else(|| KeyError::UnknownKey(id.to_owned()))
    }

    /// Held until it is dropped.
    fn lock(&self) -> Result<File, KeyError> {
        let path = self.path(LOCK_FILE);
        let open = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = open.map_err(|source| io_error(&path, source))?;
        file.lock().map_err(|source| io_error(&path, source))?;
        Ok(file)
    }

    fn read_file(&self) -> Result<Option<KeysFile>, KeyError> {
        let path = self.path(KEYS_FILE);
        let Some(bytes) = read_if_present(&path)? else {
            return Ok(None);
        };
        let corrupt = |reason: String| KeyError::Corrupt { path: path.clone(), reason };
        let file: KeysFile = serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if file.version != FORMAT_VERSION {
            return Err(corrupt(format!(
                "it has the format {}, this program knows {FORMAT_VERSION}",
                file.version
            )));
        }
        Ok(Some(file))
    }

    fn write_file(&self, file: &KeysFile) -> Result<(), KeyError> {
        let path = self.path(KEYS_FILE);
        let mut json = serde_json::to_vec_pretty(file)
            .map_err(|error| KeyError::Corrupt { path: path.clone(), reason: error.to_string() })?;
        json.push(b'\n');
        self.replace(KEYS_FILE, &json)
    }

    fn read_keying_secret(&self) -> Result<Option<KeyingSecret>, KeyError> {
        let path = self.path(KEYING_SECRET_FILE);
        let Some(bytes) = read_if_present(&path)? else {
            return Ok(None);
        };
        let secret = bytes.try_into().map_err(|bytes: Vec<u8>| KeyError::Corrupt {
            path,
            reason: format!("it has {} bytes instead of {SECRET_BYTES}", bytes.len()),
        })?;
        Ok(Some(KeyingSecret(secret)))
    }

    fn create_keying_secret(&self) -> Result<KeyingSecret, KeyError> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        self.replace(KEYING_SECRET_FILE, &secret)?;
        Ok(KeyingSecret(secret))
    }

    fn keying_secret_missing(&self) -> KeyError {
        KeyError::Corrupt {
            path: self.path(KEYING_SECRET_FILE),
            reason: format!("it is missing, and without it no key in {KEYS_FILE} can be recognised"),
        }
    }

    /// Puts a file in place at once and for good, readable by its owner alone. Called under the lock, which
    /// is why the temporary name may be fixed.
    fn replace(&self, name: &str, content: &[u8]) -> Result<(), KeyError> {
        let path = self.path(name);
        let temporary = self.path(&format!("{name}.new"));
        let put = || {
            // One that a crash left behind may have other permissions.
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&temporary)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.directory)?.sync_all()
        };
        put().map_err(|source| io_error(&path, source))
    }
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.to_owned(), source }
}

fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, KeyError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|source| io_error(path, source))?,
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|source| io_error(path, source))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let reason = format!("it is longer than {FILE_BYTES_MAX} bytes");
        return Err(KeyError::Corrupt { path: path.to_owned(), reason });
    }
    Ok(Some(bytes))
}

struct KnownKey {
    hash: blake3::Hash,
    principal: Principal,
}

/// The keys that are good, as of one reading of the file.
#[derive(Default)]
pub struct KeySet {
    keying_secret: Option<KeyingSecret>,
    keys: HashMap<String, KnownKey>,
}

/// The id that stands in a key.
#[must_use]
pub fn key_id(key: &str) -> Option<&str> {
    key.strip_prefix(KEY_PREFIX)?.split_once('_').map(|(id, _)| id)
}

impl KeySet {
    /// Whose key this is; `None` for one that is malformed, unknown or revoked. Ids are no secret; the
    /// comparison of the hash takes the same time whatever it finds.
    #[must_use]
    pub fn verify(&self, key: &str) -> Option<&Principal> {
        let (id, secret) = key.strip_prefix(KEY_PREFIX)?.split_once('_')?;
        let known = self.keys.get(id)?;
        let mut bytes = [0; SECRET_BYTES];
        // `decode_slice` wants room for its estimate, which is a little more than the secret.
        let mut decoded = [0; SECRET_BYTES + 4];
        let length = URL_SAFE_NO_PAD.decode_slice(secret, &mut decoded).ok()?;
        bytes.copy_from_slice(decoded.get(..length).filter(|secret| secret.len() == SECRET_BYTES)?);
        let hash = self.keying_secret.as_ref()?.hash(id, &bytes);
        bool::from(hash.as_bytes().ct_eq(known.hash.as_bytes())).then_some(&known.principal)
    }

    /// Whether a key of this id is good.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    /// How many keys are good.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeySet({} keys)", self.len())
    }
}
