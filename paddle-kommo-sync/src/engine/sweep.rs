//! The sweep: Paddle's own list of events is read, and what never arrived goes through the inbox as if it had.

use paddle_webhook::{Event, EventId, EventType};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::Sync;
use crate::{
    error::StoreError,
    outcome::Accepted,
    paddle::{self, ErrorKind, EventFilter, NotificationFilter, NotificationSetting},
    sweep::{self, Alarm, SweepError, Swept},
};

const CURSOR: &str = "cursor:events";

/// What is read again each time: ids are not strictly in the order of time, and a late one cannot be ruled out.
const OVERLAP: Duration = Duration::hours(6);

/// A delivery that failed longer ago says nothing about now.
const RECENT: Duration = Duration::hours(1);

/// Failed deliveries of older events are not looked for: Paddle's gaps between attempts grow.
const FAILED_SINCE: Duration = Duration::days(1);

/// As many pages of failed deliveries are counted.
const PAGES: usize = 10;

/// The path of the service's endpoint.
const PATH: &str = "/paddle/webhook";

/// How far the events are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// What happened earlier was never ours to find.
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// Everything up to this event has been looked at.
    after: Option<String>,
}

impl Sync {
    /// The types of events that the rules need: a destination must be subscribed to them.
    #[must_use]
    pub fn needed_events() -> Vec<EventType> {
        sweep::needed()
    }

    /// Looks through Paddle's events, and takes in those that never arrived. [`run`](Self::run) does the rest, as for
    /// every other event; whatever arrives later after all is known then.
    ///
    /// It goes on where the last sweep ended, less six hours that are read again. The very first one begins six hours ago: older
    /// gaps are for [`reconcile`](Self::reconcile), as this might be an account with years of sales that no deal knows of.
    /// Several processes may sweep at once. The calls leave room for others: see
    /// [`paddle::Client::in_background`]. The key needs the permission `notification.read`.
    ///
    /// # Errors
    ///
    /// When Paddle or the store fails. What was read so far is kept.
    ///
    /// # Cancel safety
    ///
    /// What was read so far is kept; the next sweep goes on there.
    pub async fn sweep(&self, paddle: &paddle::Client) -> Result<Swept, SweepError> {
        let paddle = paddle.in_background();
        let mut cursor = match self.cursor(CURSOR).await? {
            Some(cursor) => cursor,
            None => self.first_cursor(&paddle).await?,
        };
        let mut swept = Swept::default();
        match self.sweep_from(&paddle, &mut cursor, &mut swept).await {
            // The event is gone after 90 days, or it was another account's.
            Err(SweepError::Paddle(error))
                if cursor.after.is_some()
                    && matches!(error.kind(), ErrorKind::Refused | ErrorKind::NotFound) =>
            {
                tracing::warn!(
                    error = crate::failure::chain(&error),
                    "Paddle does not know where the last sweep ended: all its events are read"
                );
                cursor.after = None;
                self.sweep_from(&paddle, &mut cursor, &mut swept).await?;
            }
            outcome => outcome?,
        }
        Ok(swept)
    }

    /// The newest event that is old enough not to be read again.
    async fn first_cursor(&self, paddle: &paddle::Client) -> Result<Cursor, SweepError> {
        let since = self.now().saturating_sub(OVERLAP);
        let mut pages = paddle.events().list(&filter().newest_first());
        let mut after = None;
        while let (None, Some(page)) = (&after, pages.next().await?) {
            let mut events = page.into_iter().flatten();
            after = events.find(|event| event.occurred_at() <= since);
        }
        let after = after.map(|event| event.id().as_str().to_owned());
        let cursor = Cursor { since, after };
        self.keep_cursor(CURSOR, &cursor).await?;
        Ok(cursor)
    }

    async fn sweep_from(
        &self,
        paddle: &paddle::Client,
        cursor: &mut Cursor,
        swept: &mut Swept,
    ) -> Result<(), SweepError> {
        let mut wanted = filter();
        if let Some(after) = &cursor.after {
            wanted = wanted.after(&EventId::from(after.as_str()));
        }
        let settled = self.now().saturating_sub(OVERLAP);
        let mut is_settled = true;
        let mut pages = paddle.events().list(&wanted);
        while let Some(page) = pages.next().await? {
            for item in page {
                let event = match item {
                    Ok(event) => event,
                    Err(unread) => {
                        swept.unreadable = swept.unreadable.saturating_add(1);
                        tracing::error!(
                            event_id = unread.id(),
                            error = crate::failure::chain(&unread),
                            "an event of Paddle's cannot be read"
                        );
                        continue;
                    }
                };
                swept.read = swept.read.saturating_add(1);
                if event.occurred_at() >= cursor.since && self.take_in(&event).await? {
                    swept.taken = swept.taken.saturating_add(1);
                    tracing::info!(
                        event_id = event.id().as_str(),
                        event_type = event.event_type().as_str(),
                        "taken in from Paddle's list: it had not arrived"
                    );
                }
                is_settled &= event.occurred_at() <= settled;
                if is_settled {
                    cursor.after = Some(event.id().as_str().to_owned());
                }
            }
            self.keep_cursor(CURSOR, cursor).await?;
        }
        Ok(())
    }

    /// Takes an event in that may be known, and says whether it was not.
    pub(super) async fn take_in(&self, event: &Event) -> Result<bool, StoreError> {
        // To read is cheaper than to write.
        if self.0.store.event(self.0.account, event.id().as_str()).await?.is_some() {
            return Ok(false);
        }
        Ok(self.put(event).await? == Accepted::New)
    }

    /// What is wrong with the destination that Paddle delivers to: this one, or without an id those at `/paddle/webhook`,
    /// or, if none is, all.
    ///
    /// The key needs the permissions `notification_setting.read` and `notification.read`.
    ///
    /// # Errors
    ///
    /// When Paddle does not tell.
    pub async fn alarms(
        &self,
        paddle: &paddle::Client,
        destination: Option<&paddle::NotificationSettingId>,
    ) -> Result<Vec<Alarm>, paddle::Error> {
        let paddle = paddle.in_background();
        let all: Vec<_> =
            paddle.notification_settings().list().await?.into_iter().flatten().collect();
        let ours = ours(all, destination);
        if ours.is_empty() {
            return Ok(vec![Alarm::NoDestination]);
        }
        let needed = sweep::needed();
        let mut alarms = Vec::new();
        for setting in ours {
            if !setting.active {
                alarms.push(Alarm::Inactive(setting.id));
                continue;
            }
            let types: Vec<_> = setting.missing(&needed).into_iter().cloned().collect();
            if !types.is_empty() {
                alarms.push(Alarm::NotSubscribed { destination: setting.id.clone(), types });
            }
            let events = self.failing(&paddle, &setting).await?;
            if events > 0 {
                alarms.push(Alarm::Failing { destination: setting.id, events });
            }
        }
        Ok(alarms)
    }

    /// How many deliveries have failed lately.
    async fn failing(
        &self,
        paddle: &paddle::Client,
        setting: &NotificationSetting,
    ) -> Result<usize, paddle::Error> {
        let now = self.now();
        let filter = NotificationFilter::failed()
            .status("needs_retry")
            .setting(&setting.id)
            .from(now.saturating_sub(FAILED_SINCE));
        let recent = now.saturating_sub(RECENT);
        let mut failing: usize = 0;
        let mut pages = paddle.notifications().list(&filter)?;
        for _ in 0..PAGES {
            let Some(page) = pages.next().await? else { break };
            let lately = page
                .iter()
                .flatten()
                .filter(|notification| notification.last_attempt_at.is_some_and(|at| at >= recent));
            failing = failing.saturating_add(lately.count());
        }
        Ok(failing)
    }
}

fn filter() -> EventFilter {
    sweep::needed().into_iter().fold(EventFilter::new(), EventFilter::event_type)
}

/// The destinations that may be ours.
fn ours(
    all: Vec<NotificationSetting>,
    named: Option<&paddle::NotificationSettingId>,
) -> Vec<NotificationSetting> {
    if let Some(named) = named {
        return all.into_iter().filter(|setting| setting.id == *named).collect();
    }
    let by_url = all.into_iter().filter(|setting| setting.kind.as_deref() != Some("email"));
    let is_at_path = |setting: &NotificationSetting| {
        let url = setting.destination.as_deref().unwrap_or_default();
        url.split(['?', '#']).next().is_some_and(|url| url.ends_with(PATH))
    };
    let (at_path, elsewhere): (Vec<_>, Vec<_>) = by_url.partition(is_at_path);
    if at_path.is_empty() { elsewhere } else { at_path }
}
