//! The mail client of a device: when it asks a server for mail, for how much of it, and in which commands. What a certain
//! client does is data here, so that an arm can be a client by its values alone.

mod fetch_text;
mod wish;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

pub use fetch_text::FetchText;
pub use wish::Wish;

use super::Share;
use super::units::{DurationText, Octets, duration, octets};

/// A mail client that speaks POP3. Durations are the users' time: `speed` divides them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PopClient {
    /// Time between two checks (simulated).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub poll: Duration,
    /// Each gap is poll × (1 ± jitter), uniform, so that devices do not march in step.
    pub jitter: Share,
    /// Keep messages on the server after downloading them; otherwise they are deleted (DELE).
    pub leave_on_server: bool,
    /// Of what is left on the server, delete what is this old (simulated), counted from its arrival, as if the device had
    /// downloaded it then. Left out: never.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "duration::optional"
    )]
    #[schemars(with = "Option<DurationText>")]
    pub delete_after: Option<Duration>,
    /// How it learns what is there, in this order; `uidl` must be among it. When STAT says that there is nothing, the rest is
    /// left out.
    pub listing: Vec<PopListing>,
    /// Several RETR or DELE at once where the server offers PIPELINING (RFC 2449); otherwise it waits for each reply.
    pub pipelining: bool,
}

/// A command by which a POP3 client learns what is there.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PopListing {
    /// STAT: how much there is.
    Stat,
    /// LIST: the size of each message.
    List,
    /// UIDL: the lasting name of each message.
    Uidl,
}

/// A mail client that speaks IMAP. Durations are the users' time: `speed` divides them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImapClient {
    /// How it learns of new mail: `{ idle = { refresh = "29m" } }` or `{ poll = "15m" }` (simulated).
    pub watch: Watch,
    /// Each polling gap is poll × (1 ± jitter), uniform. Of no effect with IDLE.
    pub jitter: Share,
    /// Connections held while online; the first watches INBOX, further ones SELECT other folders and stay.
    #[schemars(range(min = 1, max = 100))]
    pub connections: u32,
    /// Stay logged in between checks. With IDLE it always stays.
    pub stay_connected: bool,
    /// How many of the newest messages the list view shows at first sight.
    #[schemars(range(min = 1))]
    pub window: u32,
    /// What it keeps of what it fetched.
    pub keep: ImapKeep,
    /// With `keep = "everything"`: messages larger than this are not fetched whole, only their text. Left out: no limit.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "octets::optional"
    )]
    #[schemars(with = "Option<Octets>")]
    pub keep_up_to: Option<u64>,
    /// How it learns what became of messages that it knows, when it comes back to a mailbox.
    pub resync: Resync,
    /// COMPRESS=DEFLATE (RFC 4978) on each connection.
    pub compress: Wish,
    /// Literals that need no waiting (LITERAL+ or LITERAL-, RFC 7888). `true` needs LITERAL+.
    pub literal_plus: Wish,
    /// MOVE (RFC 6851); without it a message is copied, marked and expunged.
    pub r#move: Wish,
    /// What it sends.
    pub commands: ImapCommands,
}

/// The commands of an IMAP client, as it writes them. To whatever names header fields mailgauge adds its own,
/// `X-Mailgauge-Id`, by which it knows its messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImapCommands {
    /// Sent after each login in this order, each only where the server offers it. COMPRESS goes before them.
    pub hello: Vec<Hello>,
    /// How it finds what it does not know yet.
    pub find: Find,
    /// What it asks for to learn flags: "UID FLAGS".
    pub flags: FetchText,
    /// What it asks for to show a message in its list; some fields of the header must be among it, and `PEEK`.
    pub headers: FetchText,
    /// With `find = "flags"` or `"search"`: headers of so many messages are asked for at once.
    #[schemars(range(min = 1))]
    pub batch: u32,
    /// What it asks for to have a whole message; `BODY.PEEK[]` must be among it.
    pub body: FetchText,
    /// On opening, messages up to this size are fetched whole; of larger ones the structure, and then the parts that
    /// are shown.
    #[serde(with = "octets")]
    #[schemars(with = "Octets")]
    pub whole_up_to: u64,
    /// STORE …FLAGS.SILENT: the server need not tell the flags that result.
    pub silent: bool,
    /// NOOP before it looks for what the server announced while it was idle.
    pub noop: bool,
}

/// Something that an IMAP client says after its login.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Hello {
    /// ID (RFC 2971): who it is.
    Id,
    /// NAMESPACE (RFC 2342): where folders lie.
    Namespace,
    /// LIST "" "*": all folders.
    List,
}

/// How an IMAP client finds messages that it does not know.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Find {
    /// UID FETCH of the headers of all that lies beyond the last UID.
    Headers,
    /// UID FETCH of the flags first (on coming back, of all that it shows), then the headers of what is new.
    Flags,
    /// UID SEARCH of the newest messages that are not deleted, then the headers of what is new.
    Search,
}

/// How an IMAP client learns what became of the messages that it knows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Resync {
    /// It asks for the flags of all of them (RFC 4549 section 4.3).
    Full,
    /// It asks whose flags changed since (CONDSTORE), and which are still there (RFC 7162 section 3.1). The arm needs a
    /// server that offers it.
    Condstore,
    /// SELECT tells both at once (QRESYNC, RFC 7162 section 3.2). The arm needs a server that offers it.
    Qresync,
}

/// How an IMAP client learns of new mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Watch {
    /// IDLE (RFC 2177): the server tells. The command is given anew after `refresh`.
    Idle {
        /// IDLE is given anew this often (simulated); RFC 2177 asks for at most 29 minutes.
        #[serde(with = "duration")]
        #[schemars(with = "DurationText")]
        refresh: Duration,
    },
    /// It asks: time between two checks (simulated).
    Poll(
        #[serde(with = "duration")]
        #[schemars(with = "DurationText")]
        Duration,
    ),
}

/// What an IMAP device keeps of what it fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImapKeep {
    /// Online: headers in memory while connected, bodies fetched at each opening.
    Nothing,
    /// Bodies stay once opened.
    Opened,
    /// Every new message is fetched whole.
    Everything,
}
