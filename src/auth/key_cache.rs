//! The keys as a running server knows them: the file is looked at again, on a request, when the last look is
//! half a second old, so that a key created or revoked beside the server counts within a second.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use super::Principal;
use super::keys::{KeyError, KeySet, KeyStore};

/// How old the last look at the file may be.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Recognises keys, and follows the file they stand in. Shared by all HTTP workers.
#[derive(Debug)]
pub struct KeyCache {
    store: KeyStore,
    keys: RwLock<Arc<KeySet>>,
    look: Mutex<Look>,
}

/// What the last look at the file found.
#[derive(Debug)]
struct Look {
    at: Instant,
    /// The version of the file that `keys` was read from.
    loaded: Option<FileVersion>,
    /// The complaint already made, which is not made again every half second.
    complaint: Option<String>,
}

/// A file that was replaced differs in at least one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileVersion {
    inode: u64,
    length: u64,
    modified_s: i64,
    modified_ns: i64,
}

impl KeyCache {
    /// Reads the keys of a data directory; no file means no keys yet.
    ///
    /// # Errors
    /// [`KeyError`] if the file is there and can't be used: a server does not start on keys it can't read.
    pub fn open(store: KeyStore) -> Result<Self, KeyError> {
        // The version is taken before the content: a change in between is then seen at the next look.
        let loaded = file_version(&store)?;
        let keys = store.load()?;
        let look = Look { at: Instant::now(), loaded, complaint: None };
        Ok(Self { store, keys: RwLock::new(Arc::new(keys)), look: Mutex::new(look) })
    }

    /// Whose key this is; `None` for one that is malformed, unknown or revoked.
    #[must_use]
    pub fn verify(&self, key: &str) -> Option<Principal> {
        self.verify_at(key, Instant::now())
    }

    /// Whether a key of this id is good still.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.look_again(Instant::now());
        self.keys.read().knows(id)
    }

    fn verify_at(&self, key: &str, now: Instant) -> Option<Principal> {
        self.look_again(now);
        let keys = Arc::clone(&self.keys.read());
        keys.verify(key).cloned()
    }

    /// Reads the file again if it has changed. A file that can't be read leaves the keys as they are.
    fn look_again(&self, now: Instant) {
        // One thread looks; the others go on with the keys there are.
        let Some(mut look) = self.look.try_lock() else {
            return;
        };
        if now.saturating_duration_since(look.at) < LOOK_INTERVAL {
            return;
        }
        look.at = now;
        match self.reload(look.loaded) {
            Ok(reloaded) => {
                if let Some((version, keys)) = reloaded {
                    tracing::info!(keys = keys.len(), "read the API keys again");
                    *self.keys.write() = Arc::new(keys);
                    look.loaded = Some(version);
                }
                look.complaint = None;
            }
            Err(error) => {
                let complaint = error.to_string();
                if look.complaint.as_ref() != Some(&complaint) {
                    tracing::error!(error = complaint, "can't read the API keys; the ones known before hold");
                    look.complaint = Some(complaint);
                }
            }
        }
    }

    fn reload(&self, loaded: Option<FileVersion>) -> Result<Option<(FileVersion, KeySet)>, KeyError> {
        match file_version(&self.store)? {
            version if version == loaded => Ok(None),
            Some(version) => Ok(Some((version, self.store.load()?))),
            None => {
                let source = io::Error::new(io::ErrorKind::NotFound, "the file is gone");
                Err(KeyError::Io { path: self.store.keys_file(), source })
            }
        }
    }
}

fn file_version(store: &KeyStore) -> Result<Option<FileVersion>, KeyError> {
    let path = store.keys_file();
    match fs::metadata(&path) {
        Ok(metadata) => Ok(Some(FileVersion {
            inode: metadata.ino(),
            length: metadata.len(),
            modified_s: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyError::Io { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{KeyDescription, Role, RoleSet, Scope};

    fn describe(name: &str) -> KeyDescription {
        let roles = RoleSet::from_iter([Role::Viewer]);
        KeyDescription { name: name.to_owned(), roles, tenant: "default".into(), scope: Scope::default() }
    }

    /// A store in a fresh directory, a cache opened on it, and a time just before and just after the next
    /// look.
    fn fixture() -> (tempfile::TempDir, KeyStore, KeyCache, Instant, Instant) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = KeyStore::new(directory.path());
        let cache = KeyCache::open(store.clone()).expect("a cache");
        let due = cache.look.lock().at + LOOK_INTERVAL;
        (directory, store, cache, due - Duration::from_millis(1), due)
    }

    #[test]
    fn a_key_created_beside_the_server_counts_at_the_next_look() {
        let (_directory, store, cache, before, due) = fixture();
        let created = store.create(describe("anna")).expect("a key");
        assert_eq!(cache.verify_at(created.key.reveal(), before), None);
        let anna = cache.verify_at(created.key.reveal(), due).expect("anna");
        assert_eq!(anna.name, "anna");
    }

    #[test]
    fn a_key_revoked_beside_the_server_is_refused_at_the_next_look() {
        let (_directory, store, cache, _, due) = fixture();
        let created = store.create(describe("anna")).expect("a key");
        assert!(cache.verify_at(created.key.reveal(), due).is_some());
        store.revoke(&created.id).expect("revoked");
        assert!(cache.verify_at(created.key.reveal(), due + LOOK_INTERVAL / 2).is_some());
        assert_eq!(cache.verify_at(created.key.reveal(), due + LOOK_INTERVAL), None);
    }

    #[test]
    fn a_file_that_is_broken_or_gone_leaves_the_known_keys_in_force_until_it_is_mended() {
        let (_directory, store, cache, _, due) = fixture();
        let created = store.create(describe("anna")).expect("a key");
        assert!(cache.verify_at(created.key.reveal(), due).is_some());
        let good = fs::read(store.keys_file()).expect("the file");

        fs::write(store.keys_file(), "{").expect("broken");
        assert!(cache.verify_at(created.key.reveal(), due + LOOK_INTERVAL).is_some());
        assert!(cache.look.lock().complaint.is_some());
        fs::remove_file(store.keys_file()).expect("removed");
        assert!(cache.verify_at(created.key.reveal(), due + LOOK_INTERVAL * 2).is_some());

        fs::write(store.keys_file(), good).expect("mended");
        store.revoke(&created.id).expect("revoked");
        assert_eq!(cache.verify_at(created.key.reveal(), due + LOOK_INTERVAL * 3), None);
        assert_eq!(cache.look.lock().complaint, None);
    }

    #[test]
    fn a_server_does_not_start_on_keys_it_cannot_read() {
        let (_directory, store, _, _, _) = fixture();
        fs::write(store.keys_file(), "{").expect("broken");
        assert!(matches!(KeyCache::open(store), Err(KeyError::Corrupt { .. })));
    }
}
