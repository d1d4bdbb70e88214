//! Recovery from a trusted position: what lies before it is not scanned.

use super::directory::Directory;
use super::error::{Damage, JournalError, Place};
use super::group::GroupHash;
use super::position::{Misfit, Position};
use super::published::SegmentIndex;
use super::recovery::{Chain, Scan, compressed_bytes, named_header};
use super::segment::{HeaderStep, SEGMENT_HEADER_LENGTH, SegmentCursor, SegmentHeader};

pub(super) fn misfit(directory: &Directory, position: &Position, misfit: Misfit) -> JournalError {
    let path = directory.segment_path(position.segment_first_lsn);
    JournalError::PositionMisfit {
        place: Box::new(Place::new(&path, position.end_offset, position.lsn)),
        misfit,
    }
}

impl Scan {
    /// Looks at the headers of the segments before the one with the trusted position, and lets the chain begin there.
    /// Gives how many they are.
    pub(super) fn trust(
        &mut self,
        directory: &Directory,
        first_lsns: &[u64],
        position: &Position,
        chain: &mut Chain,
    ) -> Result<usize, JournalError> {
        if position.identity != chain.identity {
            return Err(misfit(directory, position, Misfit::OtherJournal));
        }
        let Ok(unscanned) = first_lsns.binary_search(&position.segment_first_lsn) else {
            let is_beyond = position.segment_first_lsn > self.last_segment_first_lsn;
            let reason = if is_beyond { Misfit::BeyondEnd } else { Misfit::SegmentMissing };
            return Err(misfit(directory, position, reason));
        };
        let identity = chain.identity;
        let is_ours = |header: &SegmentHeader| match header.identity == identity {
            true => Ok(()),
            false => Err(Damage::ForeignSegment),
        };
        // What a compressed segment says that the next one continues.
        let mut said: Option<(u64, GroupHash)> = None;
        for &first_lsn in &first_lsns[..=unscanned] {
            let mut cursor = directory.open_cursor(first_lsn)?;
            let header = named_header(&mut cursor, first_lsn, is_ours)?;
            let path = cursor.path().to_owned();
            let damaged = |damage| JournalError::damaged(&path, 0, first_lsn, damage);
            // A journal begins where it should, whoever trusts what comes later.
            if first_lsn == first_lsns[0] {
                chain.check_segment(&header).map_err(damaged)?;
            }
            if let Some((last_lsn, hash)) = said {
                let expected = last_lsn.saturating_add(1);
                if expected != first_lsn {
                    return Err(damaged(Damage::LsnGap { expected, found: first_lsn }));
                }
                if hash != header.previous_hash {
                    return Err(damaged(Damage::ChainBroken));
                }
            }
            if first_lsn == position.segment_first_lsn {
                chain.next_lsn = header.first_lsn;
                chain.last_hash = header.previous_hash;
                break;
            }
            // Behind the position there may be no group to tell the epoch.
            if first_lsns.get(unscanned.wrapping_sub(1)) == Some(&first_lsn)
                && position.end_offset <= SEGMENT_HEADER_LENGTH as u64
            {
                while let HeaderStep::Group(group) = cursor.skip_group()? {
                    chain.epoch = group.epoch;
                }
            }
            let compressed = cursor.file().compressed();
            said = compressed.map(|file| (file.header().last_lsn, file.header().last_hash));
            self.segments.push(SegmentIndex::unseen(first_lsn, compressed_bytes(&cursor)));
        }
        Ok(unscanned)
    }

    /// Goes from the beginning of a segment to the trusted position in it, by the headers of its groups.
    pub(super) fn go_to_trusted(
        &mut self,
        directory: &Directory,
        cursor: &mut SegmentCursor,
        position: &Position,
        index: &mut SegmentIndex,
        chain: &mut Chain,
    ) -> Result<(), JournalError> {
        let path = cursor.path().to_owned();
        if cursor.file().length()? < position.end_offset {
            return Err(misfit(directory, position, Misfit::BeyondEnd));
        }
        while cursor.offset() < position.end_offset {
            let offset = cursor.offset();
            let damaged = |damage| JournalError::damaged(&path, offset, chain.next_lsn, damage);
            match cursor.skip_group()? {
                HeaderStep::Group(header) => {
                    chain
                        .take(&header)
                        .map_err(|damage| JournalError::damaged(&path, offset, header.first_lsn, damage))?;
                    index.note_group(header.first_lsn, offset);
                    self.is_marked(&header, &path, offset)?;
                }
                HeaderStep::Damaged(damage) => return Err(damaged(damage)),
                HeaderStep::End => return Err(misfit(directory, position, Misfit::BeyondEnd)),
            }
        }
        if cursor.offset() != position.end_offset {
            return Err(misfit(directory, position, Misfit::NoGroupEnd));
        }
        if (chain.next_lsn - 1, chain.last_hash) != (position.lsn, position.group_hash) {
            return Err(misfit(directory, position, Misfit::OtherGroup));
        }
        // What was trusted was durable then.
        self.marked_offset = position.end_offset;
        Ok(())
    }
}
