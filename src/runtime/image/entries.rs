//! How values become entries: many small ones in one, a large one over several.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ImageError, Section};

/// An entry is closed when it has so many bytes.
const ENTRY_BYTES: usize = 48 << 10;

/// Puts values of several kinds into entries of one section: the first byte of an entry is the kind of all values in it.
pub struct EntryWriter<'e, F> {
    section: Section,
    entry: Vec<u8>,
    emit: &'e mut F,
}

impl<'e, F> EntryWriter<'e, F> {
    pub fn new(section: Section, emit: &'e mut F) -> EntryWriter<'e, F> {
        EntryWriter { section, entry: Vec::new(), emit }
    }

    pub fn push<E>(&mut self, kind: u8, value: &impl Serialize) -> Result<(), E>
    where
        F: FnMut(Section, &[u8]) -> Result<(), E>,
        E: From<ImageError>,
    {
        self.open(kind)?;
        rmp_serde::encode::write_named(&mut self.entry, value).map_err(ImageError::from)?;
        Ok(())
    }

    /// The same without the names of fields, for values of which there are as many as entities. None of their fields may
    /// be left out, and new ones come at the end.
    pub fn push_array<E>(&mut self, kind: u8, value: &impl Serialize) -> Result<(), E>
    where
        F: FnMut(Section, &[u8]) -> Result<(), E>,
        E: From<ImageError>,
    {
        self.open(kind)?;
        rmp_serde::encode::write(&mut self.entry, value).map_err(ImageError::from)?;
        Ok(())
    }

    fn open<E>(&mut self, kind: u8) -> Result<(), E>
    where
        F: FnMut(Section, &[u8]) -> Result<(), E>,
    {
        if self.entry.len() >= ENTRY_BYTES || self.entry.first().is_some_and(|open| *open != kind) {
            self.finish()?;
        }
        if self.entry.is_empty() {
            self.entry.push(kind);
        }
        Ok(())
    }

    /// Gives out what is left.
    pub fn finish<E>(&mut self) -> Result<(), E>
    where
        F: FnMut(Section, &[u8]) -> Result<(), E>,
    {
        if !self.entry.is_empty() {
            (self.emit)(self.section, &self.entry)?;
            self.entry.clear();
        }
        Ok(())
    }
}

/// The kind of an entry, and its values as bytes.
pub fn kind_of(entry: &[u8]) -> Result<(u8, &[u8]), ImageError> {
    let (kind, values) =
        entry.split_first().ok_or_else(|| ImageError::Inconsistent("an entry is empty".to_owned()))?;
    Ok((*kind, values))
}

/// The values in an entry.
pub fn each<T: DeserializeOwned>(
    values: &[u8],
    mut take: impl FnMut(T) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    let mut decoder = rmp_serde::Deserializer::new(values);
    while !decoder.get_ref().is_empty() {
        take(T::deserialize(&mut decoder)?)?;
    }
    Ok(())
}

/// Writes one value over as many entries as it takes.
pub fn write_large<E: From<ImageError>>(
    section: Section,
    value: &impl Serialize,
    emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut cut = Cut {
        entry: Vec::with_capacity(ENTRY_BYTES),
        full: |entry: &[u8]| emit(section, entry),
        error: None,
    };
    let written = rmp_serde::encode::write_named(&mut cut, value);
    if let Some(error) = cut.error {
        return Err(error);
    }
    written.map_err(ImageError::from)?;
    if cut.entry.is_empty() { Ok(()) } else { (cut.full)(&cut.entry) }
}

struct Cut<F, E> {
    entry: Vec<u8>,
    full: F,
    error: Option<E>,
}

impl<E, F: FnMut(&[u8]) -> Result<(), E>> io::Write for Cut<F, E> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.entry.extend_from_slice(bytes);
        if self.entry.len() >= ENTRY_BYTES {
            if let Err(error) = (self.full)(&self.entry) {
                self.error = Some(error);
                return Err(io::Error::other("the entry was not taken"));
            }
            self.entry.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads what [`write_large`] wrote.
pub fn read_large<T: DeserializeOwned>(
    entries: impl Iterator<Item = Result<Vec<u8>, ImageError>>,
) -> Result<T, ImageError> {
    let mut joined = Joined { entries, entry: Vec::new(), at: 0, error: None };
    let value = rmp_serde::from_read(&mut joined);
    match joined.error {
        Some(error) => Err(error),
        None => Ok(value?),
    }
}

struct Joined<I> {
    entries: I,
    entry: Vec<u8>,
    at: usize,
    error: Option<ImageError>,
}

impl<I: Iterator<Item = Result<Vec<u8>, ImageError>>> io::Read for Joined<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.entry.len() {
            match self.entries.next() {
                None => return Ok(0),
                Some(Ok(entry)) => (self.entry, self.at) = (entry, 0),
                Some(Err(error)) => {
                    self.error = Some(error);
                    return Err(io::Error::other("the next entry can't be had"));
                }
            }
        }
        let length = into.len().min(self.entry.len() - self.at);
        into[..length].copy_from_slice(&self.entry[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}
