//! The cells of the module `sepa_ipr` (EBA reporting framework 4.2, framework `PAY`), by their datapoints.
//!
//! A datapoint says what it is by its dimensions. Here `qKJI` is the form of payment (`qPY:qx2005` credit
//! transfers, `qPY:qx2017` instant ones), `qAGK` sent (`qPY:qx2018`) or received (`qPY:qx2021`), and `PTG`
//! domestic (`GA:qx2010`) or cross-border (`GA:qx2001`). The metric `qGAE` is the number, `qAJN` the value.
//!
//! The module names members by codes. Credit transfers and domestic ones are labelled in public glossaries of
//! `PSD_FRP`, which shares them; which metric is the number and which the value follows from their types (whole
//! numbers, money). The others follow from where they are used: the form of payment of `S_04.00`, which is of instant transfers only, is theirs; the way that alone is broken down by
//! initiation and user is sent (recital 1 of Implementing Regulation (EU) 2025/1979); the place besides domestic
//! is cross-border. Members of breakdowns that transactions do not tell are kept as codes.
//!
//! An instant credit transfer is a credit transfer (Regulation (EU) No 260/2012, Article 2, point (1a)): it is
//! in both columns.

/// Which way transfers went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From accounts that the institution keeps.
    Sent,
    /// To them.
    Received,
}

/// What a row of `S_01.01` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    Total,
    /// Those whose payer's and payee's accounts are in one country.
    Domestic,
    /// Those whose accounts are in two.
    CrossBorder,
    /// Those of one member of a breakdown that transactions do not tell: the breakdown, and the member as the
    /// module names it.
    Of(Breakdown, &'static str),
}

/// What transactions do not tell about a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakdown {
    /// How it was initiated (`TIP`).
    Initiation,
    /// What kind of user initiated it (`qEDA`).
    User,
    /// Who or what it was charged to (`qAGN`).
    Charged,
}

impl Breakdown {
    /// Every breakdown.
    pub const ALL: [Self; 3] = [Self::Initiation, Self::User, Self::Charged];

    /// The dimension that it is.
    pub const fn dimension(self) -> &'static str {
        match self {
            Self::Initiation => "TIP",
            Self::User => "qEDA",
            Self::Charged => "qAGN",
        }
    }
}

/// The columns of a row of `S_01.01`, in the order of its datapoints.
pub const COLUMNS: [&str; 4] = [
    "number of credit transfers",
    "number of instant credit transfers",
    "value of credit transfers",
    "value of instant credit transfers",
];

/// A row of `S_01.01`: its datapoints in the order of [`COLUMNS`].
#[derive(Debug)]
pub struct Row {
    /// Which way.
    pub flow: Flow,
    /// Which of them.
    pub part: Part,
    /// Its datapoints.
    pub cells: [&'static str; 4],
}

const fn row(flow: Flow, part: Part, cells: [&'static str; 4]) -> Row {
    Row { flow, part, cells }
}

/// The template whose numbers and values transactions tell.
pub const VOLUMES: &str = "S_01.01";

/// Its rows.
pub static ROWS: [Row; 13] = [
    row(Flow::Sent, Part::Domestic, ["dp3526420", "dp3526427", "dp3529940", "dp3529917"]),
    row(Flow::Sent, Part::CrossBorder, ["dp3526426", "dp3526421", "dp3529942", "dp3529941"]),
    row(Flow::Sent, Part::Total, ["dp3526422", "dp3526424", "dp3529924", "dp3529929"]),
    row(Flow::Received, Part::Total, ["dp3526425", "dp3526423", "dp3529932", "dp3529928"]),
    row(
        Flow::Sent,
        Part::Of(Breakdown::Initiation, "TA:qx279"),
        ["dp3526428", "dp3526419", "dp3529918", "dp3529939"],
    ),
    row(
        Flow::Sent,
        Part::Of(Breakdown::Initiation, "TA:qx280"),
        ["dp3526418", "dp3526417", "dp3529919", "dp3529920"],
    ),
    row(
        Flow::Sent,
        Part::Of(Breakdown::Initiation, "TA:qx281"),
        ["dp3526429", "dp3526430", "dp3529921", "dp3529938"],
    ),
    row(
        Flow::Sent,
        Part::Of(Breakdown::User, "qTE:qx2033"),
        ["dp3526431", "dp3526416", "dp3529922", "dp3529937"],
    ),
    row(
        Flow::Sent,
        Part::Of(Breakdown::User, "qTE:qx2034"),
        ["dp3526432", "dp3526415", "dp3529936", "dp3529935"],
    ),
    row(
        Flow::Sent,
        Part::Of(Breakdown::Charged, "qPR:qx2064"),
        ["dp3526414", "dp3526412", "dp3529934", "dp3529925"],
    ),
    row(
        Flow::Sent,
        Part::Of(Breakdown::Charged, "qPR:qx2074"),
        ["dp3526434", "dp3526436", "dp3529933", "dp3529931"],
    ),
    row(
        Flow::Received,
        Part::Of(Breakdown::Charged, "qPR:qx2064"),
        ["dp3526433", "dp3526435", "dp3529927", "dp3529926"],
    ),
    row(
        Flow::Received,
        Part::Of(Breakdown::Charged, "qPR:qx2074"),
        ["dp3526413", "dp3526411", "dp3529923", "dp3529930"],
    ),
];

/// A template of which transactions tell nothing: it is filled by approved adjustments, or not reported.
#[derive(Debug)]
pub struct Told {
    /// Its filing indicator.
    pub template: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its datapoints that count things, and what they count.
    pub counts: (&'static str, &'static [&'static str]),
    /// Its datapoints that are money.
    pub amounts: &'static [&'static str],
}

/// The templates that are filled by approved adjustments only.
pub static TOLD: [Told; 3] = [
    Told {
        template: "S_02.01",
        about: "charges for credit transfers",
        counts: ("charges", &[]),
        amounts: &[
            "dp3530873",
            "dp3530874",
            "dp3530875",
            "dp3530876",
            "dp3530877",
            "dp3530878",
            "dp3530879",
            "dp3530880",
            "dp3530884",
            "dp3530885",
            "dp3530886",
            "dp3530887",
            "dp3530888",
            "dp3530889",
            "dp3530890",
            "dp3530891",
            "dp3530892",
            "dp3530893",
        ],
    },
    Told {
        template: "S_03.00",
        about: "payment accounts and their charges",
        counts: ("accounts", &["dp3526437"]),
        amounts: &["dp3530894", "dp3530895"],
    },
    Told {
        template: "S_04.00",
        about: "rejected instant credit transfers",
        counts: ("payments", &["dp3530896", "dp3530897", "dp3530898", "dp3530899", "dp3530900", "dp3530901"]),
        amounts: &[],
    },
];

/// Templates that only institutions outside the euro area report: their transfers in euro, besides those in
/// their own currency.
pub const OUTSIDE_EURO_AREA: [&str; 2] = ["S_01.02", "S_02.02"];
