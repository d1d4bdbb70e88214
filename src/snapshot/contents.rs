//! What a generation holds: the keys in its database, the lists of block hashes, and the meta entry that vouches for
//! them.

use std::collections::BTreeMap;

use super::block::BlockHash;
use super::error::{Damage, Place, SnapshotError};

/// The newest format of generations that this program knows, and the one that it writes.
pub const GENERATION_FORMAT_VERSION: u16 = 1;

/// Blocks in one section: more than a million million bytes. A bound for memory, whatever the meta entry says.
pub const BLOCKS_IN_SECTION_MAX: u32 = 1 << 24;

/// The most bytes that the caller may put into the meta entry.
pub const META_BYTES_MAX: usize = 16 * 1024 * 1024;

const META_MAGIC: [u8; 8] = *b"\xF7TWMETA\n";
const META_FIXED_LENGTH: usize = 60;
const SECTION_LENGTH: usize = 6;
const HASH_LENGTH: usize = 32;

/// Hashes in one entry of a list: 64 KiB.
const HASHES_IN_ENTRY: usize = 2048;

/// A section of a generation. Whoever uses the store numbers its sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionId(pub u16);

/// Kinds of entries come first in their keys, and numbers big-endian, so that the blocks of a section stand in order
/// and nothing stands between them.
pub(super) fn block_key(section: SectionId, index: u32) -> [u8; 7] {
    numbered_key(b'b', section, index)
}

fn hashes_key(section: SectionId, index: u32) -> [u8; 7] {
    numbered_key(b'h', section, index)
}

pub(super) const META_KEY: [u8; 1] = *b"m";

fn numbered_key(kind: u8, section: SectionId, index: u32) -> [u8; 7] {
    let ([s0, s1], [i0, i1, i2, i3]) = (section.0.to_be_bytes(), index.to_be_bytes());
    [kind, s0, s1, i0, i1, i2, i3]
}

/// The hash of each block, by section and index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BlockHashes(pub(super) BTreeMap<SectionId, Vec<BlockHash>>);

impl BlockHashes {
    pub(super) fn get(&self, section: SectionId, index: u32) -> Option<BlockHash> {
        self.0.get(&section)?.get(index as usize).copied()
    }

    /// The lists as entries of the database: key and value.
    pub(super) fn entries(&self) -> impl Iterator<Item = ([u8; 7], Vec<u8>)> {
        self.0.iter().flat_map(|(&section, hashes)| {
            (0u32..).zip(hashes.chunks(HASHES_IN_ENTRY)).map(move |(index, hashes)| {
                (hashes_key(section, index), hashes.iter().flat_map(|hash| hash.0).collect())
            })
        })
    }

    /// BLAKE3 over, for each section in order: its number, its number of blocks, their hashes.
    fn hash(&self) -> [u8; HASH_LENGTH] {
        let mut hasher = blake3::Hasher::new();
        for (section, hashes) in &self.0 {
            hasher.update(&section.0.to_le_bytes());
            hasher.update(&(hashes.len() as u32).to_le_bytes());
            for hash in hashes {
                hasher.update(&hash.0);
            }
        }
        *hasher.finalize().as_bytes()
    }
}

/// The meta entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) generation: u64,
    /// Number of blocks by section.
    sections: BTreeMap<SectionId, u32>,
    hash_of_block_hashes: [u8; HASH_LENGTH],
    /// What the caller had to say.
    pub(super) caller: Vec<u8>,
}

impl Meta {
    pub(super) fn new(generation: u64, hashes: &BlockHashes, caller: &[u8]) -> Self {
        Self {
            generation,
            sections: hashes.0.iter().map(|(&section, hashes)| (section, hashes.len() as u32)).collect(),
            hash_of_block_hashes: hashes.hash(),
            caller: caller.to_vec(),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(
            META_FIXED_LENGTH + SECTION_LENGTH * self.sections.len() + self.caller.len() + HASH_LENGTH,
        );
        out.extend_from_slice(&META_MAGIC);
        out.extend_from_slice(&GENERATION_FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&self.hash_of_block_hashes);
        out.extend_from_slice(&(self.caller.len() as u32).to_le_bytes());
        for (section, blocks) in &self.sections {
            out.extend_from_slice(&section.0.to_le_bytes());
            out.extend_from_slice(&blocks.to_le_bytes());
        }
        out.extend_from_slice(&self.caller);
        let hash = blake3::hash(&out);
        out.extend_from_slice(hash.as_bytes());
        out
    }

    /// The hash is looked at first: it stands at the end, and the version after the magic number, in all versions.
    pub(super) fn decode(generation: u64, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let damaged = || SnapshotError::damaged(Place::generation(generation), Damage::Meta);
        let (body, hash) = bytes.split_last_chunk::<HASH_LENGTH>().ok_or_else(damaged)?;
        if blake3::hash(body).as_bytes() != hash {
            return Err(damaged());
        }
        let mut fields = Fields(body);
        if fields.take::<8>() != Some(META_MAGIC) {
            return Err(damaged());
        }
        let version = fields.take().map(u16::from_le_bytes).ok_or_else(damaged)?;
        if version > GENERATION_FORMAT_VERSION {
            return Err(SnapshotError::NewerFormat {
                place: Box::new(Place::generation(generation)),
                found: version,
                supported: GENERATION_FORMAT_VERSION,
            });
        }
        let meta = Self::decode_fields(fields).ok_or_else(damaged)?;
        if meta.generation == generation {
            Ok(meta)
        } else {
            let damage = Damage::OtherGeneration(meta.generation);
            Err(SnapshotError::damaged(Place::generation(generation), damage))
        }
    }

    fn decode_fields(mut fields: Fields<'_>) -> Option<Self> {
        let _reserved = fields.take::<2>()?;
        let section_count = u32::from_le_bytes(fields.take()?);
        let generation = u64::from_le_bytes(fields.take()?);
        let hash_of_block_hashes = fields.take()?;
        let caller_length = u32::from_le_bytes(fields.take()?) as usize;
        let mut sections = BTreeMap::new();
        for _ in 0..section_count {
            let section = SectionId(u16::from_le_bytes(fields.take()?));
            let blocks = u32::from_le_bytes(fields.take()?);
            if blocks > BLOCKS_IN_SECTION_MAX || sections.insert(section, blocks).is_some() {
                return None;
            }
        }
        let caller = fields.0;
        (caller.len() == caller_length).then(|| Self {
            generation,
            sections,
            hash_of_block_hashes,
            caller: caller.to_vec(),
        })
    }

    /// Reads the lists of block hashes that belong to this meta entry. `None` if they are not those that were written.
    pub(super) fn read_block_hashes<E>(
        &self,
        mut get: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<BlockHashes>, E> {
        let mut all = BlockHashes::default();
        for (&section, &blocks) in &self.sections {
            let mut hashes = Vec::new();
            for index in 0..blocks.div_ceil(HASHES_IN_ENTRY as u32) {
                let Some(entry) = get(&hashes_key(section, index))? else { return Ok(None) };
                let (chunks, _) = entry.as_chunks::<HASH_LENGTH>();
                hashes.extend(chunks.iter().copied().map(BlockHash));
            }
            all.0.insert(section, hashes);
        }
        // Covers the numbers of hashes too.
        let counts_fit = all.0.iter().map(|(section, hashes)| (*section, hashes.len() as u32));
        let fits = counts_fit.eq(self.sections.clone()) && all.hash() == self.hash_of_block_hashes;
        Ok(fits.then_some(all))
    }
}

/// Takes fields from the front of bytes.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes() -> BlockHashes {
        let list = |count: usize| (0..count).map(|index| BlockHash([index as u8; 32])).collect();
        BlockHashes(BTreeMap::from([(SectionId(2), list(2)), (SectionId(0x0103), list(2049))]))
    }

    #[test]
    fn the_meta_entry_is_as_documented() {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[7, 0, 1, 0, 0, 0]).update(&[9; 32]);
        let hash = *hasher.finalize().as_bytes();
        let mut expected = vec![0xF7, b'T', b'W', b'M', b'E', b'T', b'A', 0x0A];
        expected.extend([1, 0, 0, 0]);
        expected.extend([1, 0, 0, 0]);
        expected.extend([5, 1, 0, 0, 0, 0, 0, 0]);
        expected.extend(hash);
        expected.extend([2, 0, 0, 0]);
        expected.extend([7, 0, 1, 0, 0, 0]);
        expected.extend(b"ab");
        expected.extend(blake3::hash(&expected).as_bytes());
        let hashes = BlockHashes(BTreeMap::from([(SectionId(7), vec![BlockHash([9; 32])])]));
        assert_eq!(Meta::new(261, &hashes, b"ab").encode(), expected);
    }

    #[test]
    fn keys_are_as_documented() {
        assert_eq!(block_key(SectionId(0x0102), 0x03040506), [b'b', 1, 2, 3, 4, 5, 6]);
        let keys: Vec<_> = hashes().entries().map(|(key, value)| (key, value.len())).collect();
        assert_eq!(
            keys,
            [
                ([b'h', 0, 2, 0, 0, 0, 0], 64),
                ([b'h', 1, 3, 0, 0, 0, 0], 65_536),
                ([b'h', 1, 3, 0, 0, 0, 1], 32)
            ]
        );
    }

    #[test]
    fn meta_and_lists_come_back() {
        let meta = Meta::decode(9, &Meta::new(9, &hashes(), b"caller").encode()).unwrap();
        assert_eq!((meta.generation, &meta.caller[..]), (9, &b"caller"[..]));
        let entries: BTreeMap<_, _> = hashes().entries().collect();
        let read = |key: &[u8]| Ok::<_, ()>(entries.get(key).cloned());
        assert_eq!(meta.read_block_hashes(read), Ok(Some(hashes())));
    }

    #[test]
    fn lists_that_are_not_those_of_the_meta_entry_are_refused() {
        let meta = Meta::new(9, &hashes(), b"");
        let entries: BTreeMap<_, _> = hashes().entries().collect();
        for key in entries.keys() {
            let mut without = entries.clone();
            without.remove(key);
            assert_eq!(meta.read_block_hashes(|key| Ok::<_, ()>(without.get(key).cloned())), Ok(None));
            for byte in [0, 31, 32, 63] {
                let mut flipped = entries.clone();
                if let Some(byte) = flipped.get_mut(key).and_then(|value| value.get_mut(byte)) {
                    *byte ^= 1;
                    assert_eq!(
                        meta.read_block_hashes(|key| Ok::<_, ()>(flipped.get(key).cloned())),
                        Ok(None)
                    );
                }
            }
            let mut shorter = entries.clone();
            shorter.get_mut(key).unwrap().truncate(32);
            shorter.get_mut(key).unwrap().pop();
            assert_eq!(meta.read_block_hashes(|key| Ok::<_, ()>(shorter.get(key).cloned())), Ok(None));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_the_meta_entry_is_found() {
        let bytes = Meta::new(9, &hashes(), b"caller").encode();
        for position in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[position / 8] ^= 1 << (position % 8);
            assert!(
                matches!(Meta::decode(9, &flipped), Err(SnapshotError::Damaged { .. })),
                "bit {position}"
            );
        }
        for length in 0..bytes.len() {
            assert!(Meta::decode(9, &bytes[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let mut bytes = Meta::new(9, &hashes(), b"").encode();
        bytes.truncate(bytes.len() - HASH_LENGTH);
        bytes[8] = 2;
        bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
        assert!(matches!(
            Meta::decode(9, &bytes),
            Err(SnapshotError::NewerFormat { found: 2, supported: 1, .. })
        ));
    }

    #[test]
    fn another_generations_meta_entry_is_refused() {
        let bytes = Meta::new(9, &hashes(), b"").encode();
        let error = Meta::decode(10, &bytes).unwrap_err();
        assert_eq!(error.to_string(), "snapshot generation 10: it says that it is generation 9");
    }
}
