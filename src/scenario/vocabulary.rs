//! The few words that every room shares: device, protocol, TLS mode, phase. They have one spelling, the
//! one that scenario files, CSV columns and reports use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// A thing that a person reads mail on.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum DeviceKind {
    /// In the pocket: small store, many short looks.
    Phone,
    /// On the sofa.
    Tablet,
    /// On the desk: large store, long sittings.
    Notebook,
}

/// What a device sends and receives by, as far as a model of its energy goes.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RadioKind {
    /// UMTS.
    #[serde(rename = "3g")]
    #[strum(serialize = "3g")]
    ThreeG,
    /// LTE, with one discontinuous reception cycle.
    Lte,
    /// Wi-Fi.
    Wifi,
}

/// A language that mail is written in.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Language {
    /// In ASCII, and in UTF-8 as quoted-printable.
    English,
    /// In ISO-8859-1 and in UTF-8, both as quoted-printable.
    German,
    /// In UTF-8 as quoted-printable.
    French,
    /// In UTF-8 and in TIS-620, both as base64.
    Thai,
    /// In ISO-2022-JP.
    Japanese,
}

/// The protocol by which a device reads mail.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Protocol {
    /// Post Office Protocol version 3, RFC 1939.
    Pop3,
    /// Internet Message Access Protocol, RFC 3501 and RFC 9051.
    Imap,
}

/// How a connection gets its TLS.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum TlsMode {
    /// No TLS at all: 110 and 143 as the document has them.
    #[default]
    Plain,
    /// STLS (RFC 2595) or STARTTLS (RFC 3501) after the greeting.
    Starttls,
    /// TLS from the first byte: 995 and 993, RFC 8314.
    Implicit,
}

/// A part of a run, by the due time of what happens in it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Phase {
    /// Mailboxes are filled; nothing is judged.
    Prepare,
    /// Devices come online one after another.
    RampUp,
    /// Everything runs, nothing is judged yet.
    WarmUp,
    /// What verdicts rest on.
    Measure,
    /// Nothing new begins; what has begun ends.
    Drain,
    /// The stores are counted.
    Audit,
}
