//! Ids as types, so that a lead's cannot be passed where a contact's is wanted.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// What the ids share, for code that reads lists of any of them.
pub(crate) trait Id:
    Copy + Eq + Ord + fmt::Display + for<'de> Deserialize<'de> + Send + Sync
{
}

macro_rules! ids {
    ($( $(#[$meta:meta])* $name:ident >= $least:literal; )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The id with this number.
            #[must_use]
            pub const fn new(id: u64) -> Self {
                Self(id)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl Id for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                strict(deserializer, $least).map(Self)
            }
        }
    )* };
}

ids! {
    /// A lead: what salespeople call a deal.
    LeadId >= 1;
    /// A contact.
    ContactId >= 1;
    /// A Salesbot.
    SalesbotId >= 1;
    /// A company.
    CompanyId >= 1;
    /// A note of a lead, contact or company.
    NoteId >= 1;
    /// A task.
    TaskId >= 1;
    /// A talk: a conversation of a chat, from its first message to its end.
    TalkId >= 1;
    /// A kind of task: 1 is a follow-up, 2 a meeting, others are the account's own.
    TaskTypeId >= 1;
    /// A user; 0 is Kommo itself (a robot, or the API).
    UserId >= 0;
    /// A pipeline.
    PipelineId >= 1;
    /// A stage of a pipeline.
    StatusId >= 1;
    /// A custom field.
    FieldId >= 1;
    /// An option of a select-like custom field, or the kind of a phone or e-mail.
    EnumId >= 1;
    /// An account.
    AccountId >= 1;
    /// A reason for losing a lead.
    LossReasonId >= 1;
    /// A tag.
    TagId >= 1;
    /// A source of leads.
    SourceId >= 1;
    /// A role of users.
    RoleId >= 1;
    /// A catalog.
    CatalogId >= 1;
    /// An element of a catalog.
    CatalogElementId >= 1;
}

impl StatusId {
    /// The stage of won leads. It has this id in every pipeline, so it says nothing without a pipeline.
    pub const WON: Self = Self(142);
    /// The stage of lost leads. It has this id in every pipeline, so it says nothing without a pipeline.
    pub const LOST: Self = Self(143);
}

impl UserId {
    /// Kommo itself: what robots and integrations do is done by this user.
    pub const ROBOT: Self = Self(0);
}

/// Databases and other languages keep ids in 64 signed bits.
const GREATEST: u64 = i64::MAX.unsigned_abs();

fn strict<'de, D: Deserializer<'de>>(deserializer: D, least: u64) -> Result<u64, D::Error> {
    let id = u64::deserialize(deserializer)?;
    if (least..=GREATEST).contains(&id) {
        Ok(id)
    } else {
        Err(serde::de::Error::custom("an id is out of its range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_positive_numbers_are_ids() {
        for (wire, want) in [
            ("1", Some(1)),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("9223372036854775807", Some(GREATEST)),
            ("9223372036854775808", None),
            ("0", None),
            ("-1", None),
            ("1.0", None),
            ("\"1\"", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
        ] {
            let got = serde_json::from_str::<LeadId>(wire).ok().map(LeadId::get);
            assert_eq!(got, want, "{wire}");
        }
        assert_eq!(serde_json::from_str::<UserId>("0").unwrap(), UserId::ROBOT);
    }

    #[test]
    fn ids_are_written_as_numbers() {
        assert_eq!(serde_json::to_string(&StatusId::WON).unwrap(), "142");
        assert_eq!(StatusId::LOST.to_string(), "143");
        assert_eq!(format!("{:?}", LeadId::new(7)), "LeadId(7)");
    }
}
