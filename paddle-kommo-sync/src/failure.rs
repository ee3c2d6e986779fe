//! What a failed call to Kommo means for the event that needed it.

use std::time::Duration;

use kommo_client::{Error, ErrorKind};
use sha2::{Digest as _, Sha256};

use crate::outcome::{ParkReason, Parked};

/// How to go on after a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// This event waits and tries again.
    Retry(String),
    /// The whole account waits: every other call would fail as well.
    Pause(Pause),
    /// This event waits and tries again; it is not about Kommo.
    Wait(String),
    /// Others go first: nothing has failed, and this event comes again soon.
    Queue(String),
    /// It may mend itself, or somebody may mend it soon: this event tries again, and is parked if that lasts.
    ParkLater(Parked),
    /// A retry cannot mend it.
    Park(Parked),
}

/// So long after it came in, [`Reaction::ParkLater`] parks an event.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3_600);

/// And not before it has failed so often: it may have waited that long behind others.
pub(crate) const TRIES: u32 = 7;

/// Why a whole account waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pause {
    /// 429: too many requests; Kommo may have said how long to wait.
    RateLimited(Option<Duration>),
    /// 401: the token does not work.
    Unauthorized,
    /// 402: the account is not paid.
    PaymentRequired,
    /// 410, 451: Kommo does not let anybody at the account.
    AccountClosed,
    /// The certificate at Kommo's address is not good: nothing is sent there before a person has looked.
    Certificate,
    /// 403 by the gateway: Kommo has blocked this address or integration. The client may know when it probes next.
    Blocked(Option<Duration>),
}

impl Pause {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::RateLimited(_) => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::PaymentRequired => "payment_required",
            Self::AccountClosed => "account_closed",
            Self::Certificate => "certificate",
            Self::Blocked(_) => "blocked",
        }
    }

    /// What the operator can do about it.
    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::RateLimited(_) => "other integrations may share the account's limit",
            Self::Unauthorized => {
                "the token expired or was revoked: give a new one (KOMMO_TOKEN) and restart"
            }
            Self::PaymentRequired => "the Kommo account is not paid for",
            Self::AccountClosed => {
                "Kommo says that this account is gone or closed: ask its support"
            }
            Self::Certificate => {
                "the certificate at Kommo's address is not good: look at KOMMO_BASE_URL, this machine's clock and certificates, and for a proxy in between"
            }
            Self::Blocked(_) => {
                "Kommo blocked this address after too many requests: ask its support, it is probed meanwhile"
            }
        }
    }

    /// Whether it says how long it lasts: then it is not one more in a row.
    pub(crate) const fn is_told(self) -> bool {
        matches!(self, Self::RateLimited(Some(_)) | Self::Blocked(Some(_)))
    }

    /// What whoever calls meanwhile would be answered, and need not ask for. Of its own pauses the client knows.
    pub(crate) const fn answer(self) -> Option<ErrorKind> {
        match self {
            Self::RateLimited(_) | Self::Blocked(_) => None,
            Self::Unauthorized => Some(ErrorKind::Unauthorized),
            Self::PaymentRequired => Some(ErrorKind::PaymentRequired),
            Self::AccountClosed => Some(ErrorKind::Status(410)),
            Self::Certificate => Some(ErrorKind::Certificate),
        }
    }

    /// How long to wait, when this happened `before` times in a row already.
    ///
    /// A dead token is probed every minute, and works as soon as somebody has mended it. Every call during a block
    /// prolongs it, so it is probed after 5 minutes, then twice as late each time, up to an hour.
    pub(crate) fn length(self, before: u32) -> Duration {
        let doubled = |first: u64, most: u64| {
            Duration::from_secs(
                first.saturating_mul(1_u64.checked_shl(before).unwrap_or(u64::MAX)).min(most),
            )
        };
        match self {
            Self::RateLimited(Some(told)) | Self::Blocked(Some(told)) => {
                told.max(Duration::from_secs(1))
            }
            Self::RateLimited(None) => doubled(1, 300),
            Self::Unauthorized
            | Self::PaymentRequired
            | Self::AccountClosed
            | Self::Certificate => Duration::from_secs(60),
            Self::Blocked(None) => doubled(300, 3600),
        }
    }
}

/// What a failed call means.
pub(crate) fn reaction(error: &Error) -> Reaction {
    reaction_to(error.kind(), error)
}

/// The table: which error means what. Of a request for several deals, `kind` is what it said of one.
pub(crate) fn reaction_to(kind: &ErrorKind, error: &Error) -> Reaction {
    match kind {
        ErrorKind::RateLimited => Reaction::Pause(Pause::RateLimited(error.retry_after())),
        ErrorKind::Unauthorized => Reaction::Pause(Pause::Unauthorized),
        ErrorKind::PaymentRequired => Reaction::Pause(Pause::PaymentRequired),
        ErrorKind::Certificate => Reaction::Pause(Pause::Certificate),
        ErrorKind::Blocked => Reaction::Pause(Pause::Blocked(error.retry_after())),
        ErrorKind::Status(410 | 451) => Reaction::Pause(Pause::AccountClosed),
        // Of whatever stands in between, and of an object that somebody else holds just now.
        ErrorKind::Status(408 | 423 | 425) => Reaction::Retry(chain(error)),
        ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::Validation(_)
        | ErrorKind::Rule(_)
        | ErrorKind::InvalidRequest
        | ErrorKind::Status(_) => {
            Reaction::Park(Parked::new(ParkReason::Refused, refusal(kind, error)))
        }
        _ => Reaction::Retry(chain(error)),
    }
}

/// What Kommo said, by its codes and places. Its sentences may repeat what was sent, and this ends up in logs.
fn refusal(kind: &ErrorKind, error: &Error) -> String {
    let mut text = chain(error);
    if let ErrorKind::Validation(items) = kind {
        for error in items.iter().flat_map(|item| &item.errors) {
            text = format!("{text}; {} at {}", error.code, error.path);
        }
    }
    if let Some(id) = error.request_id() {
        text = format!("{text} (request {id})");
    }
    text
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// When to try again after this many failures: between nothing and 2 s, 4 s, 8 s … 10 minutes.
///
/// The place within that span is drawn from the event and their number, so that events that failed together do not
/// come back together, and a run can be repeated exactly.
pub(crate) fn backoff(event_id: &str, failures: u32) -> Duration {
    let exponent = failures.saturating_sub(1).min(20);
    let span =
        2000_u64.saturating_mul(1_u64.checked_shl(exponent).unwrap_or(u64::MAX)).min(600_000);
    let mut hash = Sha256::new();
    hash.update(event_id);
    hash.update(failures.to_be_bytes());
    let draw =
        hash.finalize().iter().take(4).fold(0_u64, |draw, byte| (draw << 8) | u64::from(*byte));
    Duration::from_millis((span.saturating_mul(draw) >> 32).max(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_grows_to_ten_minutes_and_differs_between_events() {
        for attempt in 1..100 {
            let wait = backoff("evt_1", attempt);
            assert!(wait <= Duration::from_secs(600), "attempt {attempt}: {wait:?}");
            assert_eq!(wait, backoff("evt_1", attempt));
        }
        let longest =
            |attempt| (0..200).map(|event| backoff(&format!("evt_{event}"), attempt)).max();
        assert!(longest(1) <= Some(Duration::from_secs(2)));
        assert!(longest(3) > Some(Duration::from_secs(4)));
        assert_ne!(backoff("evt_1", 9), backoff("evt_2", 9));
    }

    #[tokio::test]
    async fn a_bad_certificate_pauses_the_account_and_says_what_to_look_at() {
        use kommo_client::{
            AccessToken, Client,
            fake::{FakeKommo, Fault},
        };

        let fake = FakeKommo::in_memory();
        fake.fail_next(Fault::bad_certificate().always());
        let token = AccessToken::new(fake.token()).unwrap();
        let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
        let error = client.account().get().await.unwrap_err();
        let Reaction::Pause(pause) = reaction(&error) else { panic!("{error:?}") };
        assert_eq!((pause.code(), pause.length(7)), ("certificate", Duration::from_secs(60)));
        assert!(pause.hint().contains("KOMMO_BASE_URL") && !pause.is_told());
        assert_eq!(fake.requests().len(), 1, "it is not repeated");
    }

    /// Lets nothing leave while the account pauses for this.
    #[derive(Debug)]
    struct Paused(Pause);

    #[async_trait::async_trait]
    impl kommo_client::Pacer for Paused {
        async fn next_turn(&self, _: Duration) -> Option<Duration> {
            None
        }

        async fn closed(&self) -> ErrorKind {
            self.0.answer().unwrap()
        }
    }

    #[tokio::test]
    async fn what_is_not_asked_because_of_a_pause_means_that_pause() {
        use kommo_client::{AccessToken, Client, fake::FakeKommo};

        let fake = FakeKommo::in_memory();
        let token = || AccessToken::new(fake.token()).unwrap();
        for pause in
            [Pause::Unauthorized, Pause::PaymentRequired, Pause::AccountClosed, Pause::Certificate]
        {
            let client = Client::builder(&fake.uri(), token()).answered_by(&fake).build().unwrap();
            let client = client.paced_by(std::sync::Arc::new(Paused(pause)));
            let error = client.account().get().await.unwrap_err();
            assert_eq!(reaction(&error), Reaction::Pause(pause));
        }
        assert!(fake.requests().is_empty());
    }

    #[test]
    fn a_block_is_probed_ever_more_rarely() {
        let minutes = |before| Pause::Blocked(None).length(before).as_secs() / 60;
        assert_eq!([0, 1, 2, 3, 4, 40].map(minutes), [5, 10, 20, 40, 60, 60]);
        assert_eq!(Pause::Unauthorized.length(7), Duration::from_secs(60));
        assert_eq!(
            Pause::RateLimited(Some(Duration::from_secs(42))).length(7),
            Duration::from_secs(42)
        );
        assert_eq!(
            [0, 1, 2, 20].map(|before| Pause::RateLimited(None).length(before).as_secs()),
            [1, 2, 4, 300]
        );
    }
}
