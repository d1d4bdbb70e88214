//! Frames as they leave: text that clients share.

use std::sync::Arc;

use bytestring::ByteString;

use crate::domain::ids::Lsn;

/// What tells a client that an item no longer matches its filter; it stands between a frame's head and tail.
pub const NO_MATCH: &str = r#","matches":false"#;

/// One or more frames as a JSON array, which any number of clients may share.
#[derive(Clone, Debug)]
pub struct Chunk {
    text: ByteString,
    frames: usize,
    first: Option<Lsn>,
}

impl Chunk {
    /// One frame that is no event.
    pub fn own(frame: &str) -> Chunk {
        let mut builder = ChunkBuilder::default();
        builder.push(None, &[frame]);
        builder.finish()
    }

    /// Frames in it.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The record of its first event.
    pub fn first(&self) -> Option<Lsn> {
        self.first
    }

    /// Bytes of the frames and what separates them.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The message that carries this alone: the frame itself if it is one, else the array. Shares the text.
    pub fn message(&self) -> ByteString {
        if self.frames == 1 { self.text.slice_ref(self.inside()) } else { self.text.clone() }
    }

    /// The frames without the brackets around them.
    pub fn inside(&self) -> &str {
        self.text.get(1..self.text.len().saturating_sub(1)).unwrap_or_default()
    }
}

/// A chunk in the making.
#[derive(Default)]
pub struct ChunkBuilder {
    text: String,
    frames: usize,
    first: Option<Lsn>,
}

impl ChunkBuilder {
    /// Adds a frame from its parts.
    pub fn push(&mut self, event: Option<Lsn>, parts: &[&str]) {
        self.text.push(if self.frames == 0 { '[' } else { ',' });
        for part in parts {
            self.text.push_str(part);
        }
        self.frames += 1;
        self.first = self.first.or(event);
    }

    /// Adds all frames of a chunk.
    pub fn append(&mut self, chunk: &Chunk) {
        self.text.push(if self.frames == 0 { '[' } else { ',' });
        self.text.push_str(chunk.inside());
        self.frames += chunk.frames;
        self.first = self.first.or(chunk.first);
    }

    /// Adds an event's frame for the subscriber whose frames begin with `head`.
    pub fn push_event(&mut self, lsn: Lsn, head: &str, matches: bool, tail: &str) {
        self.push(Some(lsn), &[head, if matches { "" } else { NO_MATCH }, tail]);
    }

    /// Bytes so far.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Frames so far.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The record of the first event so far.
    pub fn first(&self) -> Option<Lsn> {
        self.first
    }

    /// Gives what there is away and begins anew.
    pub fn finish(&mut self) -> Chunk {
        let mut text = std::mem::take(&mut self.text);
        text.push_str(if self.frames == 0 { "[]" } else { "]" });
        let chunk = Chunk { text: text.into(), frames: self.frames, first: self.first };
        (self.frames, self.first) = (0, None);
        chunk
    }
}

/// A state frame without its subscriber's beginning.
#[derive(Clone, Debug)]
pub struct StateFrame {
    pub matches: bool,
    pub tail: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_a_message_of_one_frame_or_of_an_array() {
        assert_eq!(&*Chunk::own(r#"{"a":1}"#).message(), r#"{"a":1}"#);
        let mut builder = ChunkBuilder::default();
        builder.push_event(Lsn(5), r#"{"id":"q""#, true, r#","lsn":5}"#);
        builder.append(&Chunk::own(r#"{"b":2}"#));
        builder.push_event(Lsn(7), r#"{"id":"q""#, false, r#","lsn":7}"#);
        let chunk = builder.finish();
        assert_eq!(&*chunk.message(), r#"[{"id":"q","lsn":5},{"b":2},{"id":"q","matches":false,"lsn":7}]"#);
        assert_eq!((chunk.frames(), chunk.first()), (3, Some(Lsn(5))));
        assert_eq!((builder.frames(), builder.bytes()), (0, 0), "the next one begins empty");
    }
}
