//! The same with a journal that no longer has the records of before: states are made anew from a snapshot that is kept for
//! it, and where that is given up it is said.

use super::*;
use crate::runtime::TrimOptions;

/// Records of something else between two snapshots: several segments.
const BETWEEN: usize = 600;

fn trimming(data: &Path, hold_records_max: u64) -> TowerOptions {
    TowerOptions {
        segment_bytes_max: 1 << 14,
        trim: TrimOptions { is_on: true, keep_bytes: 0, hold_records_max },
        ..options(data)
    }
}

impl House {
    fn begins_with(&self) -> u64 {
        self.tower.running().unwrap().reader.statistics().first_lsn
    }

    /// What goes on meanwhile, then a snapshot; its start.
    #[track_caller]
    fn era(&self, name: &str) -> u64 {
        let ids: Vec<String> = (0..BETWEEN).map(|n| format!("{name}-{n}")).collect();
        let events: Vec<_> = ids.iter().map(|id| ("pos.sale", id.as_str(), sale("C", 1))).collect();
        self.settled(self.send(&events));
        let (status, answer) = self.ask("POST", "/api/v1/snapshots", "");
        assert_eq!(status, 200, "{answer}");
        answer["lsn"].as_u64().unwrap()
    }

    /// As many as it takes until the journal begins behind this record.
    #[track_caller]
    fn trimmed_behind(&self, lsn: u64, name: &str) {
        self.era(&format!("{name}-one"));
        self.era(&format!("{name}-two"));
        // Trimming comes after the answer.
        let deadline = Instant::now() + SOON;
        while self.begins_with() <= lsn {
            assert!(Instant::now() < deadline, "the journal begins with {}", self.begins_with());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn held_by(&self, name: &str) -> Option<u64> {
        let holds = self.tower.running().unwrap().reader.oldest_holds();
        holds.into_iter().find(|held| held.name == name).map(|held| held.lsn)
    }
}

fn generations(data: &Path) -> usize {
    std::fs::read_dir(data.join("generations")).unwrap().count()
}

#[test]
fn a_state_is_made_anew_from_a_snapshot_and_the_records_for_it_stay() {
    let data = tempfile::tempdir().unwrap();
    let poison = poison("trimmed");
    let house = House::start_with(trimming(data.path(), u64::MAX));
    let first = house.send(&[("pos.sale", "a1", sale("A", 1))]);
    house.trimmed_behind(first, "before");
    let at = house.send(&[("pos.sale", "trimmed", sale("A", 5))]);
    let last = house.send(&[("pos.sale", "a2", sale("A", 2)), ("pos.sale", "b1", sale("B", 1))]);
    house.settled(last);
    house.shows("A", -1, Some(at));
    let entry = house.one_failed();

    // Standing still, it keeps what it needs, whatever is taken meanwhile.
    for era in ["x", "y", "z"] {
        house.era(era);
    }
    let needed = house.held_by("rebuild").unwrap();
    assert!(house.begins_with() <= needed && needed < at, "{needed} {at}");
    assert_eq!(generations(data.path()), 3, "the one in which it was well is kept");
    house.stop();
    let house = House::start_with(trimming(data.path(), u64::MAX));
    house.shows("A", -1, Some(at));
    assert_eq!(house.one_failed(), entry);
    house.era("after the restart");
    assert_eq!(house.held_by("rebuild"), Some(needed));

    // Tried again with better code.
    drop(poison);
    house.release(&entry, false);
    house.shows("A", -8, None);
    assert!(house.failed().is_empty());
    house.trimmed_behind(at, "released");
    assert_eq!((house.held_by("rebuild"), generations(data.path())), (None, 2));
    house.stop();
    let house = House::start_with(trimming(data.path(), u64::MAX));
    house.shows("A", -8, None);
}

#[test]
fn a_record_that_waited_while_the_journal_was_trimmed_is_left_out_when_it_fails() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("waited-long");
    let house = House::start_with(trimming(data.path(), u64::MAX));
    let line = json!({"order_id": "O", "line_id": "1", "sku": "A", "location": "L", "quantity": 5});
    let early = house.send(&[
        ("pos.sale", "a1", sale("A", 1)),
        ("order.shipped", "waited-long", json!({"order_id": "O", "line_id": "1", "quantity": 5})),
    ]);
    house.trimmed_behind(early, "waiting");
    let last = house.send(&[
        ("pos.sale", "a2", sale("A", 2)),
        ("order.placed", "placed", line),
        ("pos.sale", "a3", sale("A", 4)),
    ]);
    house.settled(last);
    house.shows("A", -3, Some(early));
    let entry = house.one_failed();
    assert_eq!((&entry["event"], &entry["event_trimmed"]), (&Value::Null, &json!(true)), "{entry}");
    house.release(&entry, true);
    house.shows("A", -7, None);
}

#[test]
fn where_what_is_needed_was_given_up_the_entity_says_so_and_the_others_go_on() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("given-up");
    let house = House::start_with(trimming(data.path(), 100));
    let first = house.send(&[("pos.sale", "a1", sale("A", 1))]);
    house.trimmed_behind(first, "before");
    let at = house.send(&[("pos.sale", "given-up", sale("A", 5)), ("pos.sale", "a2", sale("A", 2))]) - 1;
    house.shows("A", -1, Some(at));
    let entry = house.one_failed();
    for era in ["u", "v", "w", "x", "y"] {
        house.era(era);
    }
    house.trimmed_behind(at, "later");
    assert!(house.tower.running().unwrap().reader.holds_lost() > 0);
    house.release(&entry, true);
    let deadline = Instant::now() + SOON;
    let told = loop {
        let failed = house.failed();
        let told = failed.first().map(|entry| entry["detail"].to_string()).unwrap_or_default();
        if told.contains("can't be made anew") || Instant::now() > deadline {
            break told;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(told.contains("the journal begins with record"), "{told}");
    assert_eq!(house.place("A")["on_hand"], -1, "it stands still as it did");
    let last = house.send(&[("pos.sale", "b1", sale("B", 1))]);
    house.settled(last);
    house.shows("B", -1, None);
}
