//! JSON text as a flat list of nodes that point into it: one pass, nothing copied, the list reused.
//!
//! Everything that is asked of an event (its attributes, its typed data, its canonical form) is read from the
//! same pass. Strict RFC 8259 over valid UTF-8; lone surrogates in escapes are refused, because no Unicode string
//! can hold them. Repeated keys are noted, not refused here: where they stand decides what is said about them.

use std::borrow::Cow;
use std::fmt;

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    False,
    True,
    Number,
    String,
    Array,
    Object,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Where it begins in the text; for a string after the quote.
    start: u32,
    /// Where it ends; for a string before the quote.
    end: u32,
    /// The node after this one and all that is inside it.
    next: u32,
    kind: Kind,
    /// A string with escapes in it.
    escaped: bool,
}

/// Why a text is not taken as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Byte offset at which it was noticed.
    pub offset: usize,
    /// What was wrong.
    pub fault: JsonFault,
}

/// See [`JsonError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFault {
    /// Not the grammar of JSON; a phrase for people.
    Syntax(&'static str),
    /// Arrays and objects are nested deeper than asked for.
    TooDeep,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            JsonFault::Syntax(what) => what,
            JsonFault::TooDeep => "nested too deep",
        };
        write!(f, "{what} at byte {}", self.offset)
    }
}

/// The reusable node list.
#[derive(Debug, Default)]
pub struct Tape {
    nodes: Vec<Node>,
    /// Containers that are not closed yet.
    open: Vec<u32>,
    /// Key nodes whose key stood earlier in the same object.
    duplicates: Vec<u32>,
}

/// A parsed text: its outermost value and the repeated keys in it.
#[derive(Clone, Copy, Debug)]
pub struct Document<'t, 'a> {
    pub root: Value<'t, 'a>,
    duplicates: &'t [u32],
}

impl<'t, 'a> Document<'t, 'a> {
    /// The keys that repeat an earlier one of their object.
    pub fn duplicate_keys(&self) -> impl Iterator<Item = Value<'t, 'a>> + use<'t, 'a> {
        let root = self.root;
        self.duplicates.iter().map(move |&at| Value { at, ..root })
    }
}

/// One value of a parsed text. Strings borrow from the text (`'a`), not from the tape (`'t`).
#[derive(Clone, Copy)]
pub struct Value<'t, 'a> {
    nodes: &'t [Node],
    text: &'a str,
    at: u32,
}

impl fmt::Debug for Value<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}

impl<'t, 'a> Value<'t, 'a> {
    #[inline]
    fn node(&self) -> Node {
        self.nodes[self.at as usize]
    }

    /// What it is.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.node().kind
    }

    /// Its text as sent; of a string what is between the quotes, escapes as they are.
    #[inline]
    pub fn raw(&self) -> &'a str {
        let node = self.node();
        &self.text[node.start as usize..node.end as usize]
    }

    /// Whether the raw text of a string differs from what it says.
    pub fn is_escaped(&self) -> bool {
        self.node().escaped
    }

    /// What a string says; of anything else its raw text.
    #[inline]
    pub fn text(&self) -> Cow<'a, str> {
        let raw = self.raw();
        if self.node().escaped {
            // Checked when it was parsed, so there is always an answer.
            Cow::Owned(unescape(raw).unwrap_or_default())
        } else {
            Cow::Borrowed(raw)
        }
    }

    /// Keys and values of an object, in the order sent; nothing of anything else.
    pub fn members(&self) -> impl Iterator<Item = (Value<'t, 'a>, Value<'t, 'a>)> + use<'t, 'a> {
        let mut children = self.children(Kind::Object);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The items of an array; nothing of anything else.
    pub fn items(&self) -> impl Iterator<Item = Value<'t, 'a>> + use<'t, 'a> {
        self.children(Kind::Array)
    }

    fn children(&self, of: Kind) -> impl Iterator<Item = Value<'t, 'a>> + use<'t, 'a> {
        let node = self.node();
        let whole = *self;
        let end = if node.kind == of { node.next } else { self.at + 1 };
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let child = Value { at, ..whole };
                at = child.node().next;
                child
            })
        })
    }

    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<Value<'t, 'a>> {
        self.members().find(|(key, _)| key.says(name)).map(|(_, value)| value)
    }

    /// Whether this string says `name`.
    #[inline]
    pub fn says(&self, name: &str) -> bool {
        if self.node().escaped { self.text() == name } else { self.raw() == name }
    }

    /// Whether `inner` stands in this value.
    pub fn contains(&self, inner: Value<'_, '_>) -> bool {
        (self.at..self.node().next).contains(&inner.at)
    }

    /// The JSON pointer (RFC 6901) from this value to `inner`, which is inside it; of a key that of its member.
    pub fn pointer_to(&self, inner: Value<'_, '_>) -> String {
        let mut pointer = String::new();
        let mut here = *self;
        let holds = |v: &Value<'_, '_>| v.contains(inner);
        while here.at != inner.at {
            let step = match here.kind() {
                Kind::Object => {
                    here.members().find(|(k, v)| holds(k) || holds(v)).map(|(k, v)| (k.text(), k, v))
                }
                Kind::Array => here
                    .items()
                    .enumerate()
                    .find(|(_, v)| holds(v))
                    .map(|(index, v)| (Cow::Owned(index.to_string()), v, v)),
                _ => None,
            };
            let Some((name, key, value)) = step else { break };
            push_pointer_step(&mut pointer, &name);
            if key.at == inner.at {
                break;
            }
            here = value;
        }
        pointer
    }
}

/// Appends one reference token to a JSON pointer (RFC 6901, section 3).
pub fn push_pointer_step(pointer: &mut String, name: &str) {
    pointer.push('/');
    for c in name.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

impl Tape {
    /// Parses one JSON text with at most `depth_max` arrays and objects inside each other.
    ///
    /// # Errors
    /// [`JsonError`] for the first thing that is wrong.
    pub fn parse<'t, 'a>(&'t mut self, text: &'a str, depth_max: u32) -> Result<Document<'t, 'a>, JsonError> {
        self.nodes.clear();
        self.open.clear();
        self.duplicates.clear();
        if u32::try_from(text.len()).is_err() {
            return Err(JsonError { offset: 0, fault: JsonFault::Syntax("longer than 4 GiB") });
        }
        let end = Parser { tape: self, text, bytes: text.as_bytes(), at: 0, depth_max }.document()?;
        debug_assert_eq!(end, text.len());
        Ok(Document { root: Value { nodes: &self.nodes, text, at: 0 }, duplicates: &self.duplicates })
    }
}

struct Parser<'t, 'a> {
    tape: &'t mut Tape,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth_max: u32,
}

impl Parser<'_, '_> {
    fn fail<T>(&self, what: &'static str) -> Result<T, JsonError> {
        Err(JsonError { offset: self.at, fault: JsonFault::Syntax(what) })
    }

    fn document(mut self) -> Result<usize, JsonError> {
        loop {
            if self.begin_value()? {
                continue;
            }
            if !self.after_value()? {
                return if self.skip_space().is_none() {
                    Ok(self.at)
                } else {
                    self.fail("more text after the JSON value")
                };
            }
        }
    }

    /// The next byte that is no white space.
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// Reads a scalar or opens a container; whether a value inside the container comes next.
    fn begin_value(&mut self) -> Result<bool, JsonError> {
        match self.skip_space() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'{') => {
                self.open(Kind::Object)?;
                if self.skip_space() != Some(b'}') {
                    self.key()?;
                    return Ok(true);
                }
            }
            Some(b'[') => {
                self.open(Kind::Array)?;
                return Ok(self.skip_space() != Some(b']'));
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::True)?,
            Some(b'f') => self.word("false", Kind::False)?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(_) => return self.fail("expected a JSON value"),
            None => return self.fail("the JSON text ends early"),
        }
        Ok(false)
    }

    /// Closes what ends here; whether another value follows.
    fn after_value(&mut self) -> Result<bool, JsonError> {
        while let Some(&container) = self.tape.open.last() {
            let object = self.tape.nodes[container as usize].kind == Kind::Object;
            match self.skip_space() {
                Some(b',') => {
                    self.at += 1;
                    if object {
                        self.skip_space();
                        self.key()?;
                    }
                    return Ok(true);
                }
                Some(b'}') if object => self.close(container),
                Some(b']') if !object => self.close(container),
                Some(_) => return self.fail("expected a comma or the end of the array or object"),
                None => return self.fail("the JSON text ends early"),
            }
        }
        Ok(false)
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, escaped: bool) {
        let next = self.tape.nodes.len() as u32 + 1;
        self.tape.nodes.push(Node { start: start as u32, end: end as u32, next, kind, escaped });
    }

    fn open(&mut self, kind: Kind) -> Result<(), JsonError> {
        if self.tape.open.len() as u32 >= self.depth_max {
            return Err(JsonError { offset: self.at, fault: JsonFault::TooDeep });
        }
        self.tape.open.push(self.tape.nodes.len() as u32);
        self.push(kind, self.at, self.at, false);
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, container: u32) {
        self.at += 1;
        self.tape.open.pop();
        let next = self.tape.nodes.len() as u32;
        let node = &mut self.tape.nodes[container as usize];
        (node.end, node.next) = (self.at as u32, next);
        if node.kind == Kind::Object {
            note_duplicates(&self.tape.nodes, self.text, container, &mut self.tape.duplicates);
        }
    }

    fn key(&mut self) -> Result<(), JsonError> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return self.fail("expected a key in quotes");
        }
        self.string()?;
        if self.skip_space() != Some(b':') {
            return self.fail("expected a colon after the key");
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at + 1;
        let mut escaped = false;
        self.at = start;
        loop {
            self.at = string_special(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(_) => return self.fail("a control character in a string is not escaped"),
                None => return self.fail("the JSON text ends inside a string"),
            }
        }
        if escaped && unescape(&self.text[start..self.at]).is_none() {
            return self.fail("a string has an escape that stands for no character");
        }
        self.push(Kind::String, start, self.at, escaped);
        self.at += 1;
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.fail("expected a digit"),
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Kind::Number, start, self.at, false);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let from = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == from { self.fail("expected a digit") } else { Ok(()) }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.fail("expected a JSON value");
        }
        self.push(kind, self.at, self.at + word.len(), false);
        self.at += word.len();
        Ok(())
    }
}

/// Objects with more members than this are checked for repeated keys by sorting.
const PAIRWISE_MEMBERS_MAX: usize = 32;

fn note_duplicates(nodes: &[Node], text: &str, object: u32, duplicates: &mut Vec<u32>) {
    let object = Value { nodes, text, at: object };
    if object.members().nth(PAIRWISE_MEMBERS_MAX).is_some() {
        return duplicates_by_sorting(object, duplicates);
    }
    // A bit for each shape of key seen: only a key whose shape was there before is compared.
    let mut shapes = 0u64;
    for (index, (key, _)) in object.members().enumerate() {
        let raw = key.raw().as_bytes();
        // Escapes hide the shape: such a key is compared always, and so is every later one.
        let shape = match raw {
            _ if key.is_escaped() => u64::MAX,
            [] => 1,
            [first, .., last] => {
                1 << ((raw.len() as u32 * 7 + u32::from(*first) * 5 + u32::from(*last)) % 64)
            }
            [only] => 1 << (u32::from(*only) % 64),
        };
        if shapes & shape != 0 && object.members().take(index).any(|(earlier, _)| same_key(earlier, key)) {
            duplicates.push(key.at);
        }
        shapes |= shape;
    }
}

fn same_key(a: Value<'_, '_>, b: Value<'_, '_>) -> bool {
    if a.is_escaped() || b.is_escaped() { a.text() == b.text() } else { a.raw() == b.raw() }
}

fn duplicates_by_sorting(object: Value<'_, '_>, duplicates: &mut Vec<u32>) {
    let mut keys: Vec<(Cow<'_, str>, u32)> = object.members().map(|(key, _)| (key.text(), key.at)).collect();
    keys.sort_unstable();
    duplicates.extend(keys.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1));
}

/// The first place at or after `from` that ends or interrupts a string: a quote, a backslash, a control character,
/// or the end of the text. Eight bytes at a time.
pub fn string_special(bytes: &[u8], mut from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The lowest high bit set marks the first byte that is zero (or below `limit`); a borrow can only blur bytes
    // above it.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    while let Some(chunk) = bytes.get(from..from + 8).and_then(|c| <[u8; 8]>::try_from(c).ok()) {
        let word = u64::from_le_bytes(chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found =
            zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\'))) | control;
        if found != 0 {
            return from + (found.trailing_zeros() / 8) as usize;
        }
        from += 8;
    }
    while bytes.get(from).is_some_and(|&b| b != b'"' && b != b'\\' && b >= 0x20) {
        from += 1;
    }
    from.min(bytes.len())
}

/// What a string with escapes says; `None` if an escape stands for no character.
fn unescape(raw: &str) -> Option<String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = *rest.as_bytes().get(at + 1)?;
        let mut taken = at + 2;
        out.push(match escape {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = hex_unit(rest, taken)?;
                taken += 4;
                if (0xD800..0xDC00).contains(&high) {
                    if rest.as_bytes().get(taken..taken + 2) != Some(b"\\u") {
                        return None;
                    }
                    let low = hex_unit(rest, taken + 2).filter(|low| (0xDC00..0xE000).contains(low))?;
                    taken += 6;
                    char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?
                } else {
                    char::from_u32(high)?
                }
            }
            _ => return None,
        });
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Some(out)
}

fn hex_unit(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
