//! Bodies cut into events, without copying a batch and without holding a stream.

use bytes::{Bytes, BytesMut};

use crate::domain::event::json::string_special;

/// Why a body is no array of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenArray {
    /// Byte offset at which it was noticed.
    pub offset: usize,
    /// What was wrong, a phrase for people.
    pub what: &'static str,
}

/// The items of a JSON array, as slices of the body, in order.
///
/// Only what separates items is judged here: quotes, brackets in their number, commas. Whether each item is JSON
/// is judged when it is parsed, so that a bad one does not take the others down.
///
/// # Errors
/// [`BrokenArray`] if the items can't be told apart.
pub fn split_batch(body: &[u8]) -> Result<Vec<&[u8]>, BrokenArray> {
    let broken = |offset, what| Err(BrokenArray { offset, what });
    let mut at = skip_space(body, 0);
    if body.get(at) != Some(&b'[') {
        return broken(at, "the body is no array");
    }
    let mut items = Vec::new();
    at = skip_space(body, at + 1);
    if body.get(at) != Some(&b']') {
        loop {
            let end = match item_end(body, at) {
                Some(end) => end,
                None => return broken(body.len(), "the array ends early"),
            };
            let item = body[at..end].trim_ascii_end();
            if item.is_empty() {
                return broken(at, "expected an item");
            }
            items.push(item);
            if body[end] == b']' {
                at = end;
                break;
            }
            at = skip_space(body, end + 1);
        }
    }
    at = skip_space(body, at + 1);
    if at != body.len() {
        // An item with a bracket too many ends the array early, too.
        return broken(at, "more text after the array");
    }
    Ok(items)
}

fn skip_space(body: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = body.get(at) {
        at += 1;
    }
    at
}

/// The comma or closing bracket that ends the item at `at`; `None` if the body ends first.
fn item_end(body: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match body.get(at)? {
            b'"' => {
                at = string_end(body, at + 1)?;
                // A value ends before the next begins; what stands between them is the parser's to judge.
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                if depth == 0 && !matches!(body.get(skip_space(body, at + 1)), Some(b',' | b']') | None) {
                    return None;
                }
            }
            b',' | b']' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

/// The closing quote of the string whose content begins at `at`.
fn string_end(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = string_special(body, at);
        match body.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            // A control character: the parser refuses it.
            _ => at += 1,
        }
    }
}

/// A line is longer than an event may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTooLong;

/// Cuts a stream of chunks into lines. Holds at most one line and one chunk.
#[derive(Debug)]
pub struct LineSplitter {
    buffer: BytesMut,
    /// Bytes at the front of `buffer` that are known to hold no line feed.
    scanned: usize,
    line_bytes_max: usize,
}

impl LineSplitter {
    /// A splitter for lines of at most `line_bytes_max` bytes, line ends not counted.
    pub fn new(line_bytes_max: usize) -> LineSplitter {
        LineSplitter { buffer: BytesMut::new(), scanned: 0, line_bytes_max }
    }

    /// Takes the next chunk. Draw all lines with [`LineSplitter::next_line`] before the next one.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole line that is not blank; `None` until more is pushed.
    ///
    /// # Errors
    /// [`LineTooLong`], also for a line whose end has not come yet. The stream can't be continued.
    pub fn next_line(&mut self) -> Result<Option<Bytes>, LineTooLong> {
        while let Some(found) = self.buffer[self.scanned..].iter().position(|&b| b == b'\n') {
            let mut line = self.buffer.split_to(self.scanned + found + 1);
            line.truncate(line.len() - 1);
            self.scanned = 0;
            if let Some(line) = self.judge(line)? {
                return Ok(Some(line));
            }
        }
        self.scanned = self.buffer.len();
        // One more than the limit may be the carriage return of a line that ends with the next byte.
        if self.scanned > self.line_bytes_max + 1 { Err(LineTooLong) } else { Ok(None) }
    }

    /// The last line, when it had no line end.
    ///
    /// # Errors
    /// [`LineTooLong`].
    pub fn finish(self) -> Result<Option<Bytes>, LineTooLong> {
        let LineSplitter { buffer, line_bytes_max, .. } = self;
        LineSplitter::new(line_bytes_max).judge(buffer)
    }

    fn judge(&self, mut line: BytesMut) -> Result<Option<Bytes>, LineTooLong> {
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        if line.len() > self.line_bytes_max {
            return Err(LineTooLong);
        }
        Ok((!line.trim_ascii().is_empty()).then(|| line.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(body: &str) -> Result<Vec<&str>, BrokenArray> {
        split_batch(body.as_bytes())
            .map(|items| items.iter().map(|i| std::str::from_utf8(i).unwrap()).collect())
    }

    #[test]
    fn a_batch_falls_into_its_items() {
        assert_eq!(split(" [ ] "), Ok(vec![]));
        assert_eq!(
            split("[ {\"a\":[1,{}],\"b\":\"]},\\\"\"} ,\n 2 , \"x,y\"]\n"),
            Ok(vec!["{\"a\":[1,{}],\"b\":\"]},\\\"\"}", "2", "\"x,y\""])
        );
    }

    #[test]
    fn a_bad_item_is_left_to_the_parser() {
        assert_eq!(split(r#"[{"a":tru},{"b":1],{} ]"#), Ok(vec![r#"{"a":tru}"#, r#"{"b":1]"#, "{}"]));
        assert_eq!(split("[nonsense here,{}]"), Ok(vec!["nonsense here", "{}"]));
    }

    #[test]
    fn a_broken_array_is_no_batch() {
        for bad in [
            "",
            "{}",
            "[",
            "[{}",
            "[{},",
            "[{},]",
            "[,{}]",
            "[{},,{}]",
            "[{}{}]",
            "[{} {}]",
            "[{}]]",
            "[{}] x",
            "[{\"a]",
            "[\"\\",
            "[{\"a\":[}]",
        ] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_joined_falls_apart_again(values in prop::collection::vec("[\\]\\[{}\",:\\\\ aé]{0,12}", 0..8), gap in "[ \n]{0,2}") {
            let items: Vec<String> = values.iter().map(|v| serde_json::json!({"k": v, "l": [v]}).to_string()).collect();
            let body = format!("[{gap}{}{gap}]", items.join(&format!("{gap},{gap}")));
            prop_assert_eq!(split(&body).unwrap(), items);
        }

        #[test]
        fn any_bytes_get_an_answer(body in prop::collection::vec(prop::sample::select(b"[]{},\"\\ 1a\xff".to_vec()), 0..40)) {
            let _ = split_batch(&body);
        }

        #[test]
        fn lines_do_not_depend_on_the_chunks(
            lines in prop::collection::vec("[a ]{0,6}", 0..10), crlf in any::<bool>(), size in 1usize..7
        ) {
            let text = lines.join(if crlf { "\r\n" } else { "\n" });
            let mut splitter = LineSplitter::new(6);
            let mut seen = Vec::new();
            for chunk in text.as_bytes().chunks(size) {
                splitter.push(chunk);
                while let Some(line) = splitter.next_line().unwrap() {
                    seen.push(line);
                }
            }
            seen.extend(splitter.finish().unwrap());
            let expected: Vec<&str> = lines.iter().map(String::as_str).filter(|l| !l.trim().is_empty()).collect();
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_memory() {
        let mut splitter = LineSplitter::new(4);
        splitter.push(b"abcd\r");
        assert_eq!(splitter.next_line(), Ok(None));
        splitter.push(b"\nabcdef");
        assert_eq!(splitter.next_line(), Ok(Some(Bytes::from_static(b"abcd"))));
        assert_eq!(splitter.next_line(), Err(LineTooLong));
        splitter = LineSplitter::new(4);
        splitter.push(b"abcde\n");
        assert_eq!(splitter.next_line(), Err(LineTooLong));
        splitter = LineSplitter::new(4);
        splitter.push(b"abcde");
        assert_eq!(splitter.finish(), Err(LineTooLong));
    }
}
