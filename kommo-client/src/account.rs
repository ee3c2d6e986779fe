//! The account.

use serde::{Deserialize, Deserializer};

use crate::{
    client::Client,
    error::Error,
    id::{AccountId, TaskTypeId, UserId},
    query::Query,
    wire::{lenient, list, or_default},
};

const PATH: &str = "/api/v4/account";

/// The account of a client; from [`Client::account`].
#[derive(Clone, Debug)]
pub struct AccountHandle {
    client: Client,
}

impl AccountHandle {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The account. The cheapest way to see whether a token works.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self) -> Result<Account, Error> {
        self.get_with(&[]).await
    }

    /// The account, with what it only tells when asked.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get_with(&self, with: &[AccountWith]) -> Result<Account, Error> {
        let mut query = Query::default();
        if !with.is_empty() {
            let with: Vec<&str> = with.iter().map(|with| with.as_str()).collect();
            query.push("with", with.join(","));
        }
        let account = self.client.find(PATH.to_owned(), query).await?;
        account.ok_or_else(|| Error::decode("the answer holds no account"))
    }
}

/// What an account only tells when asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AccountWith {
    /// The kinds of tasks.
    TaskTypes,
    /// The groups of users; no other method tells them.
    UsersGroups,
    /// Formats of dates, and the time zone.
    DatetimeSettings,
    /// The host of the files.
    DriveUrl,
    /// Whether lists honour filters.
    IsApiFilterEnabled,
}

impl AccountWith {
    fn as_str(self) -> &'static str {
        match self {
            Self::TaskTypes => "task_types",
            Self::UsersGroups => "users_groups",
            Self::DatetimeSettings => "datetime_settings",
            Self::DriveUrl => "drive_url",
            Self::IsApiFilterEnabled => "is_api_filter_enabled",
        }
    }
}

/// An account.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: Option<String>,
    /// The first part of its host name.
    pub subdomain: Option<String>,
    /// Its currency, as an ISO code.
    pub currency: Option<String>,
    /// Its country, as an ISO code.
    pub country: Option<String>,
    /// The user of the token.
    pub current_user_id: Option<UserId>,
    /// Whether losing a lead has reasons.
    pub is_loss_reason_enabled: Option<bool>,
    /// With [`AccountWith::IsApiFilterEnabled`]: whether lists honour filters.
    pub is_api_filter_enabled: Option<bool>,
    /// With [`AccountWith::DriveUrl`]: the host of the files.
    pub drive_url: Option<String>,
    /// With [`AccountWith::DatetimeSettings`]: its time zone, such as `Europe/Berlin`.
    pub timezone: Option<String>,
    /// With [`AccountWith::DatetimeSettings`]: the offset of that, such as `+03:00`.
    pub timezone_offset: Option<String>,
    /// With [`AccountWith::TaskTypes`]: the kinds of tasks.
    pub task_types: Vec<TaskType>,
    /// With [`AccountWith::UsersGroups`]: the groups of users.
    pub users_groups: Vec<UserGroup>,
}

/// A group of users.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct UserGroup {
    /// Its id; 0 is the group that every account begins with.
    pub id: u64,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
}

/// A kind of task.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct TaskType {
    /// Its id.
    pub id: TaskTypeId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Its code, for those every account has.
    #[serde(default, deserialize_with = "lenient")]
    pub code: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: AccountId,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    subdomain: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    country: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    current_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "lenient")]
    is_loss_reason_enabled: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    is_api_filter_enabled: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    drive_url: Option<String>,
    #[serde(default, rename = "_embedded", deserialize_with = "or_default")]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "list")]
    task_types: Vec<TaskType>,
    #[serde(default, deserialize_with = "list")]
    users_groups: Vec<UserGroup>,
    #[serde(default, deserialize_with = "or_default")]
    datetime_settings: DatetimeSettings,
}

#[derive(Default, Deserialize)]
struct DatetimeSettings {
    #[serde(default, deserialize_with = "lenient")]
    timezone: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    timezone_offset: Option<String>,
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self {
            id: wire.id,
            name: wire.name,
            subdomain: wire.subdomain,
            currency: wire.currency,
            country: wire.country,
            current_user_id: wire.current_user_id,
            is_loss_reason_enabled: wire.is_loss_reason_enabled,
            is_api_filter_enabled: wire.is_api_filter_enabled,
            drive_url: wire.drive_url,
            timezone: wire.embedded.datetime_settings.timezone,
            timezone_offset: wire.embedded.datetime_settings.timezone_offset,
            task_types: wire.embedded.task_types,
            users_groups: wire.embedded.users_groups,
        })
    }
}
