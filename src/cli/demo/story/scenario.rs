//! The scenarios: their steps, in words. What the steps do stands in [`act`](super::act), how far they are in
//! [`look`](super::look).

use jiff::civil::DateTime;
use jiff::civil::date;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// A seasonal item sells far beyond its forecast while its maker is late
    SpikeAndDelay,
    /// A promotion in one region wants more than its centres have
    RegionalPromotion,
}

/// A step of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Spike,
    DelayNotice,
    Group,
    Promotion,
    Compare,
    OpenCase,
    Options,
    Edit,
    Choose,
    OwnApproval,
    FactsMove,
    StaleApproval,
    Approve,
    Document,
    Plug,
    Trail,
    Result,
    OwnData,
}

/// Who chooses, and may not approve it.
pub const PROPOSER: &str = "ann;planner,supply_planner";
/// Who approves in each role.
pub const APPROVERS: [(&str, &str); 4] = [
    ("planner", "bob;planner"),
    ("supply_planner", "carol;supply_planner"),
    ("category_manager", "dora;category_manager"),
    ("finance", "erik;finance"),
];

/// A step in words.
pub struct Words {
    pub id: &'static str,
    pub title: &'static str,
    pub text: &'static str,
    /// What its button says; none for what there is only to look at.
    pub button: Option<&'static str>,
    /// Whom the page should act as.
    pub who: Option<&'static str>,
}

const SPIKE_AND_DELAY: [Step; 15] = [
    Step::Spike,
    Step::DelayNotice,
    Step::Group,
    Step::Options,
    Step::Edit,
    Step::Choose,
    Step::OwnApproval,
    Step::FactsMove,
    Step::StaleApproval,
    Step::Approve,
    Step::Document,
    Step::Plug,
    Step::Trail,
    Step::Result,
    Step::OwnData,
];
const REGIONAL_PROMOTION: [Step; 12] = [
    Step::Promotion,
    Step::Compare,
    Step::OpenCase,
    Step::Options,
    Step::Edit,
    Step::Choose,
    Step::OwnApproval,
    Step::Approve,
    Step::Document,
    Step::Plug,
    Step::Trail,
    Step::OwnData,
];

impl Scenario {
    pub const ALL: [Self; 2] = [Self::SpikeAndDelay, Self::RegionalPromotion];

    pub fn name(self) -> &'static str {
        match self {
            Self::SpikeAndDelay => "spike-and-delay",
            Self::RegionalPromotion => "regional-promotion",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::SpikeAndDelay => "Winter Jack sells out, and its maker is late",
            Self::RegionalPromotion => "A promotion in the west wants more than the west has",
        }
    }

    pub fn steps(self) -> &'static [Step] {
        match self {
            Self::SpikeAndDelay => &SPIKE_AND_DELAY,
            Self::RegionalPromotion => &REGIONAL_PROMOTION,
        }
    }

    /// Thursday before noon in the week in which the item sells again: its customers have ordered what three centres
    /// don't have.
    pub fn now(self) -> DateTime {
        date(2015, 10, 15).at(11, 30, 0, 0)
    }

    /// Where time waits until it is decided: later no transfer would come before the shortage, and there would be nothing
    /// to choose.
    pub fn waits_at(self) -> DateTime {
        date(2015, 10, 15).at(15, 30, 0, 0)
    }

    /// Whether the season's order is late in this world.
    pub fn is_season_late(self) -> bool {
        self == Self::SpikeAndDelay
    }
}

impl Step {
    pub fn words(self) -> Words {
        let words = |id, title, text, button, who| Words { id, title, text, button, who };
        match self {
            Self::Spike => words(
                "spike",
                "A spike",
                "It is the first week of Winter Jack's season, and customers order six times the forecast. Waterloo and \
                 Council Bluffs have less than is ordered for tomorrow; the maker's delivery is due then, at noon. The orders \
                 are real ones, of the week of 11 October 2015.",
                None,
                None,
            ),
            Self::DelayNotice => words(
                "delay-notice",
                "The maker is late",
                "The maker reports that the season's order comes two weeks late. The button sends what its portal would \
                 send; so does the curl line.",
                Some("Send the delay notice"),
                None,
            ),
            Self::Group => words(
                "group",
                "One cause, one row",
                "The shortages stand under the purchase order that causes them, and a case is open. It names the places, \
                 and the customers' orders that can't be served.",
                None,
                None,
            ),
            Self::Promotion => words(
                "promotion",
                "A promotion is announced",
                "From Saturday Winter Jack is promoted in the west. The button announces it, as a promotion planner's \
                 system would.",
                Some("Announce the promotion"),
                None,
            ),
            Self::Compare => words(
                "compare",
                "Who has, and who hasn't",
                "Compare the stock of the six centres: what is on hand, what comes, and what each must keep for itself.",
                None,
                None,
            ),
            Self::OpenCase => words(
                "open-case",
                "Open a case",
                "Nothing is short yet, so no rule opens a case. A planner opens one.",
                Some("Open the case"),
                Some(PROPOSER),
            ),
            Self::Options => words(
                "options",
                "Options, costed",
                "Do nothing, expedite, order, transfer: what each costs, what it saves, and what it does to both sides. \
                 What can't be done says why.",
                None,
                Some(PROPOSER),
            ),
            Self::Edit => words(
                "edit",
                "Edit an option",
                "Ann takes the transfer and sends a quarter less to the first place; where the maker is late she orders some \
                 for it too. Cost, benefit and both sides are computed again.",
                Some("Edit the transfer"),
                Some(PROPOSER),
            ),
            Self::Choose => words(
                "choose",
                "Choose it",
                "Ann proposes it. The case now says which roles must agree.",
                Some("Choose the edited option"),
                Some(PROPOSER),
            ),
            Self::OwnApproval => words(
                "own-approval",
                "Not one's own",
                "Ann tries to approve it herself, and is refused.",
                Some("Approve as Ann"),
                Some(PROPOSER),
            ),
            Self::FactsMove => words(
                "facts-move",
                "The facts move",
                "The maker corrects itself: twenty-four days, not fourteen. What Ann and Bob looked at is not true any more.",
                Some("Send the correction"),
                None,
            ),
            Self::StaleApproval => words(
                "stale-approval",
                "What was looked at is gone",
                "Bob approves what he saw before, and is refused with the difference.",
                Some("Approve the old version as Bob"),
                Some("bob;planner"),
            ),
            Self::Approve => words(
                "approve",
                "A second person",
                "Whoever holds the roles looks again and approves: the tower makes the actions.",
                Some("Approve in each role"),
                Some("bob;planner"),
            ),
            Self::Document => words(
                "document",
                "Once, in the ERP",
                "The stand-in ERP took each action and made one document of it, and the tower knows them.",
                None,
                None,
            ),
            Self::Plug => words(
                "plug",
                "Pull the plug",
                "Kills the tower's process, without a warning, and starts it again. It comes back with all that it had, and \
                 nothing is sent twice.",
                Some("Pull the plug"),
                None,
            ),
            Self::Trail => {
                words("trail", "The trail", "Who, when, on which facts: every step of the case.", None, None)
            }
            Self::Result => words(
                "result",
                "What came of it",
                "Lets the days pass until everything has come, with the orders that really followed, and closes the case.",
                Some("Let the days pass"),
                None,
            ),
            Self::OwnData => words(
                "own-data",
                "Your own data",
                "Load your own CSV: items, locations, stock and orders, with `tidewatch import`.",
                None,
                None,
            ),
        }
    }

    pub fn id(self) -> &'static str {
        self.words().id
    }
}
