//! Blocks: how entries are put together, compressed and hashed. The unit of writing and of verified reading.
//!
//! Raw: the number of entries (4 bytes), for each entry the offset of its end in what follows (4 bytes), the entries.
//! Stored: the length of the raw block (4 bytes), the raw block compressed with LZ4.

use super::contents::SectionId;

/// A block is full from this many bytes of entries on: large enough for few database entries and good compression,
/// small enough to be read for a single entry.
pub const BLOCK_BYTES_FULL: usize = 64 * 1024;

/// The most bytes of a block before compression. Bounds what a reader allocates, whatever the stored bytes say.
pub const BLOCK_BYTES_MAX: usize = 64 * 1024 * 1024;

const COUNT_LENGTH: usize = 4;
const END_LENGTH: usize = 4;
const RAW_LENGTH_LENGTH: usize = 4;

/// BLAKE3 over a block's address and its stored bytes, so that a block that stands at another's place is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHash(pub(super) [u8; 32]);

impl BlockHash {
    pub(super) fn of(section: SectionId, index: u32, stored: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&section.0.to_le_bytes());
        hasher.update(&index.to_le_bytes());
        hasher.update(stored);
        Self(*hasher.finalize().as_bytes())
    }
}

/// Collects the entries of one block.
#[derive(Debug, Clone, Default)]
pub struct BlockBuilder {
    /// For each entry the end of its bytes in `bytes`. `push` past 4 GiB saturates, and `encode` refuses long before.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl BlockBuilder {
    pub fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Whether the block should be written before more is pushed. An entry is never refused: it makes a block as large
    /// as it needs, up to [`BLOCK_BYTES_MAX`].
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BLOCK_BYTES_FULL
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Empties the builder and keeps its memory.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }

    /// Length of the raw block.
    pub(super) fn raw_length(&self) -> usize {
        COUNT_LENGTH + END_LENGTH * self.ends.len() + self.bytes.len()
    }

    /// The stored form.
    ///
    /// # Errors
    /// The raw length, if it is over [`BLOCK_BYTES_MAX`].
    pub(super) fn encode(&self) -> Result<Vec<u8>, usize> {
        let raw_length = self.raw_length();
        if raw_length > BLOCK_BYTES_MAX {
            return Err(raw_length);
        }
        let mut raw = Vec::with_capacity(raw_length);
        // Neither is cut short: both are below BLOCK_BYTES_MAX.
        raw.extend_from_slice(&(self.ends.len() as u32).to_le_bytes());
        for end in &self.ends {
            raw.extend_from_slice(&end.to_le_bytes());
        }
        raw.extend_from_slice(&self.bytes);
        let mut stored = vec![0; RAW_LENGTH_LENGTH + lz4_flex::block::get_maximum_output_size(raw.len())];
        stored[..RAW_LENGTH_LENGTH].copy_from_slice(&(raw_length as u32).to_le_bytes());
        let compressed =
            lz4_flex::block::compress_into(&raw, &mut stored[RAW_LENGTH_LENGTH..]).map_err(|_| raw_length)?;
        stored.truncate(RAW_LENGTH_LENGTH + compressed);
        Ok(stored)
    }
}

/// A block as it was read: the entries that were pushed, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    raw: Vec<u8>,
    count: usize,
}

impl Block {
    /// `None` if these are not the stored bytes of a block, whatever they are.
    pub(super) fn decode(stored: &[u8]) -> Option<Self> {
        let (raw_length, compressed) = stored.split_first_chunk::<RAW_LENGTH_LENGTH>()?;
        let raw_length = u32::from_le_bytes(*raw_length) as usize;
        if raw_length > BLOCK_BYTES_MAX {
            return None;
        }
        let raw = lz4_flex::block::decompress(compressed, raw_length).ok()?;
        if raw.len() != raw_length {
            return None;
        }
        let count = u32::from_le_bytes(*raw.first_chunk::<COUNT_LENGTH>()?) as usize;
        let bytes_start = COUNT_LENGTH.checked_add(count.checked_mul(END_LENGTH)?)?;
        let bytes_length = raw.len().checked_sub(bytes_start)?;
        let block = Self { raw, count };
        let mut before = 0;
        for index in 0..count {
            let end = block.end(index)?;
            if end < before {
                return None;
            }
            before = end;
        }
        (before == bytes_length).then_some(block)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn entry(&self, index: usize) -> Option<&[u8]> {
        if index >= self.count {
            return None;
        }
        let start = if index == 0 { 0 } else { self.end(index - 1)? };
        let end = self.end(index)?;
        self.raw.get(COUNT_LENGTH + END_LENGTH * self.count..)?.get(start..end)
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).map_while(|index| self.entry(index))
    }

    fn end(&self, index: usize) -> Option<usize> {
        let end = self.raw.get(COUNT_LENGTH + END_LENGTH * index..)?.first_chunk::<END_LENGTH>()?;
        Some(u32::from_le_bytes(*end) as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn builder(entries: &[Vec<u8>]) -> BlockBuilder {
        let mut builder = BlockBuilder::default();
        entries.iter().for_each(|entry| builder.push(entry));
        builder
    }

    /// The raw block by hand, and LZ4's form of bytes without repeats: one token, then the bytes.
    #[test]
    fn the_stored_form_is_as_documented() {
        let stored = builder(&[b"ab".to_vec(), vec![], b"c".to_vec()]).encode().unwrap();
        let raw = [3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, b'a', b'b', b'c'];
        assert_eq!(stored[..4], [19, 0, 0, 0]);
        assert_eq!(lz4_flex::block::decompress(&stored[4..], 19).unwrap(), raw);
    }

    #[test]
    fn a_hash_is_over_address_and_bytes() {
        let expected = blake3::hash(&[0x02, 0x01, 0x07, 0, 0, 0, b'x']);
        assert_eq!(BlockHash::of(SectionId(0x0102), 7, b"x").0, *expected.as_bytes());
    }

    #[test]
    fn a_block_is_full_from_the_limit_on() {
        let mut block = builder(&[vec![0; BLOCK_BYTES_FULL - 1]]);
        assert!(!block.is_full());
        block.push(&[0]);
        assert!(block.is_full());
        block.clear();
        assert_eq!((block.len(), block.bytes(), block.is_empty()), (0, 0, true));
    }

    #[test]
    fn a_block_over_the_maximum_is_refused() {
        let length = BLOCK_BYTES_MAX - COUNT_LENGTH - END_LENGTH;
        assert!(builder(&[vec![0; length]]).encode().is_ok());
        assert_eq!(builder(&[vec![0; length + 1]]).encode(), Err(BLOCK_BYTES_MAX + 1));
    }

    #[test]
    fn a_length_that_the_bytes_do_not_have_is_no_block() {
        let mut stored = builder(&[b"entry".to_vec()]).encode().unwrap();
        stored[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Block::decode(&stored), None);
        stored[..4].copy_from_slice(&1000u32.to_le_bytes());
        assert_eq!(Block::decode(&stored), None);
    }

    proptest! {
        #[test]
        fn entries_come_back(entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..60)) {
            let block = Block::decode(&builder(&entries).encode().unwrap()).unwrap();
            prop_assert_eq!(block.len(), entries.len());
            prop_assert!(block.iter().eq(entries.iter().map(Vec::as_slice)));
            prop_assert_eq!(block.entry(entries.len()), None);
        }

        #[test]
        fn any_bytes_are_a_block_or_none(
            raw_length in 0u32..200,
            raw in proptest::collection::vec(0u8..4, 0..200),
            stored in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut framed = raw_length.to_le_bytes().to_vec();
            framed.extend(lz4_flex::block::compress(&raw));
            for bytes in [&stored, &framed] {
                if let Some(block) = Block::decode(bytes) {
                    prop_assert_eq!(block.iter().count(), block.len());
                }
            }
        }
    }
}
