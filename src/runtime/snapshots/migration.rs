//! Generations that were written under older rules.
//!
//! The journal is folded anew by the rules that there are now, and needs no migration. A generation holds what a fold came to.
//! A *fold migration* is a pure function from an entry as one fold version wrote it to the entry that the next version would
//! have written in its place: with one for every step a start goes on from an older generation, also where the journal
//! before it was trimmed. Afterwards everybody looks, as after any other build of the program.
//!
//! What an entry can't tell by itself no migration can make up. Then there is none, and the generation is passed over.

use std::borrow::Cow;

use super::SnapshotFailure;
use crate::runtime::codec::FOLD_VERSION;
use crate::runtime::image::Section;

/// What an entry is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Image(Section),
    /// The entities of a shard that failed.
    Stopped,
    /// An entity, with what its shard knows of it.
    Entity,
}

/// From one fold version to the next.
struct Step {
    from: u16,
    migrate: fn(Part, &[u8]) -> Result<Vec<u8>, String>,
}

/// The first generations are of version 3, from which none leads on.
#[cfg(not(test))]
const STEPS: &[Step] = &[Step { from: 4, migrate: as_it_was }, Step { from: 5, migrate: as_it_was }];
#[cfg(test)]
const STEPS: &[Step] = &[Step { from: testing::OLDER, migrate: testing::migrate }];

/// The newer version reads what the older one wrote: it has members at the end, without which nothing is known of what they
/// say, or values that the older one never had.
#[cfg(not(test))]
fn as_it_was(_: Part, entry: &[u8]) -> Result<Vec<u8>, String> {
    Ok(entry.to_vec())
}

/// The steps from the version of a generation to this one's.
#[derive(Clone, Copy)]
pub struct Migration(&'static [Step]);

impl Migration {
    /// What leads here from that version.
    ///
    /// # Errors
    /// [`SnapshotFailure::OtherVersion`] if it is newer, or if there is no migration for one of the steps.
    pub fn from(version: u16) -> Result<Migration, SnapshotFailure> {
        Migration::along(STEPS, version, FOLD_VERSION)
    }

    fn along(steps: &'static [Step], version: u16, ours: u16) -> Result<Migration, SnapshotFailure> {
        let first = steps.iter().position(|step| step.from == version).unwrap_or(steps.len());
        let rest = &steps[first..];
        let leads_here = version.checked_add(rest.len() as u16) == Some(ours)
            && rest.iter().zip(version..).all(|(step, from)| step.from == from);
        if leads_here {
            Ok(Migration(rest))
        } else {
            Err(SnapshotFailure::OtherVersion { found: version, ours })
        }
    }

    /// Whether entries have to be changed.
    pub fn is_needed(self) -> bool {
        !self.0.is_empty()
    }

    /// An entry as this version has it.
    ///
    /// # Errors
    /// If it is not what its version wrote.
    pub fn entry<'e>(self, part: Part, entry: &'e [u8]) -> Result<Cow<'e, [u8]>, SnapshotFailure> {
        self.0.iter().try_fold(Cow::Borrowed(entry), |entry, step| {
            let migrated = (step.migrate)(part, &entry);
            migrated.map(Cow::Owned).map_err(|why| {
                SnapshotFailure::Unreadable(format!(
                    "an entry can't be migrated from version {}: {why}",
                    step.from
                ))
            })
        })
    }
}

/// An older version that never was: it wrote each entry backwards.
#[cfg(test)]
pub mod testing {
    use std::path::Path;

    use super::super::Meta;
    use super::super::meta::testing::of_older_program;
    use super::{FOLD_VERSION, Part};
    use crate::snapshot::{BlockBuilder, Store};

    pub const OLDER: u16 = FOLD_VERSION - 1;

    pub fn migrate(_: Part, entry: &[u8]) -> Result<Vec<u8>, String> {
        if entry.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(backwards(entry))
    }

    fn backwards(entry: &[u8]) -> Vec<u8> {
        entry.iter().rev().copied().collect()
    }

    /// Leaves of the generations there only the newest, as the older version would have written it. Gives its number.
    pub fn rewrite_as_older(generations: &Path) -> u64 {
        let store = Store::open(generations).unwrap();
        let newest = store.load(store.numbers().unwrap()[0]).unwrap();
        let mut writer = store.begin().unwrap();
        for section in newest.sections() {
            for index in 0..newest.block_count(section) {
                let mut block = BlockBuilder::default();
                let read = newest.read_block(section, index).unwrap();
                read.iter().for_each(|entry| block.push(&backwards(entry)));
                writer.put_block(section, index, &block).unwrap();
            }
        }
        let meta = of_older_program(Meta::of(&newest).unwrap(), OLDER);
        let written = writer.publish(&meta.encode().unwrap()).unwrap().number();
        drop(newest);
        store.keep_newest(1, &[]).unwrap();
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(with: u8) -> impl Fn(&[u8]) -> Vec<u8> {
        move |entry| entry.iter().copied().chain([with]).collect()
    }

    const THREE: &[Step] = &[
        Step { from: 4, migrate: |_, entry| Ok(append(4)(entry)) },
        Step {
            from: 5,
            migrate: |part, entry| {
                if part == Part::Stopped { Err("odd".to_owned()) } else { Ok(append(5)(entry)) }
            },
        },
        Step { from: 6, migrate: |_, entry| Ok(append(6)(entry)) },
    ];

    #[test]
    fn an_entry_goes_through_every_step_since_its_version_in_order_and_through_no_other() {
        for (from, wanted) in [(4, &[0, 4, 5, 6][..]), (5, &[0, 5, 6]), (6, &[0, 6]), (7, &[0])] {
            let migration = Migration::along(THREE, from, 7).unwrap();
            assert_eq!(migration.is_needed(), from < 7);
            assert_eq!(&*migration.entry(Part::Entity, &[0]).unwrap(), wanted, "from version {from}");
        }
        let failure = Migration::along(THREE, 4, 7).unwrap().entry(Part::Stopped, &[0]).unwrap_err();
        assert_eq!(failure.to_string(), "an entry can't be migrated from version 5: odd");
    }

    #[test]
    fn without_a_migration_for_each_step_there_is_none() {
        const GAP: &[Step] = &[
            Step { from: 4, migrate: |_, entry| Ok(entry.to_vec()) },
            Step { from: 6, migrate: |_, entry| Ok(entry.to_vec()) },
        ];
        for (steps, from, ours) in [(THREE, 3, 7), (THREE, 8, 7), (THREE, 4, 8), (GAP, 4, 7), (&[], 2, 3)] {
            let refused = Migration::along(steps, from, ours);
            assert!(
                matches!(refused, Err(SnapshotFailure::OtherVersion { found, .. }) if found == from),
                "{from} to {ours}"
            );
        }
        assert!(!Migration::from(FOLD_VERSION).unwrap().is_needed());
        assert!(Migration::from(FOLD_VERSION + 1).is_err());
    }
}
