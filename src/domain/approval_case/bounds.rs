//! How large a case gets. It stands whole in each of its records, so everything that grows in it has a bound.

use serde::Serialize;

use super::command::CaseDecision;
use super::item::CaseItem;

/// Characters of a line of the timeline, and of what is told of a change.
const LINE_CHARACTERS_MAX: usize = 1_000;

/// A line that tells of something: of a long text its beginning.
pub fn line(text: impl Into<String>) -> String {
    let mut text = text.into();
    if let Some((end, _)) = text.char_indices().nth(LINE_CHARACTERS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Bytes of a case as its records hold it.
pub fn bytes_of(item: &CaseItem) -> usize {
    json_bytes(item)
}

fn json_bytes(part: &impl Serialize) -> usize {
    // What can't be written as JSON is not journaled either.
    serde_json::to_vec(part).map_or(0, |json| json.len())
}

/// Lets go of what is oldest among the timeline, the comments and the votes that don't count any more, until the case has
/// `bytes_max` bytes, or nothing of that is left but what was said last.
pub fn fit(item: &mut CaseItem, bytes_max: usize) {
    let mut excess = bytes_of(item).saturating_sub(bytes_max);
    while excess > 0 {
        match drop_oldest(item) {
            Some(freed) => excess = excess.saturating_sub(freed),
            None => return,
        }
    }
}

/// Bytes that were freed, if there was anything to let go of.
fn drop_oldest(item: &mut CaseItem) -> Option<usize> {
    let line = item.timeline.first().filter(|_| item.timeline.len() > 1).map(|line| line.at);
    let comment = item.comments.first().filter(|_| item.comments.len() > 1).map(|comment| comment.at);
    let vote = item.votes.iter().position(|vote| vote.void);
    let voted = vote.map(|at| item.votes[at].at);
    let oldest = [line, comment, voted].into_iter().flatten().min()?;
    Some(if line == Some(oldest) {
        json_bytes(&item.timeline.remove(0))
    } else if comment == Some(oldest) {
        json_bytes(&item.comments.remove(0))
    } else {
        json_bytes(&item.votes.remove(vote?))
    })
}

/// The field of a command by which a case would grow; `None` for those that it has to take however full it is.
pub fn grows_by(command: &CaseDecision) -> Option<&'static str> {
    use CaseDecision::*;
    match command {
        Open { .. } | Absorb { .. } => Some("/exceptions"),
        AddOption { .. } => Some("/steps"),
        Comment { .. } => Some("/text"),
        AddTask { .. } => Some("/title"),
        Delegate { .. } => Some("/reason"),
        SetOptions { .. }
        | Choose { .. }
        | Approve { .. }
        | Reject { .. }
        | Reopen { .. }
        | Cancel { .. }
        | Merge { .. }
        | CompleteTask { .. }
        | BeginAttempt { .. }
        | EndAttempt { .. }
        | RetryAction { .. }
        | WithdrawAction { .. } => None,
    }
}
