use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Why an event had the effects it had, or none. The codes are stable: they stand in logs and in the database.
        /// `docs/rules.md` lists each with what is written and how to change it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Reason {
            /// All reasons, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code, for example `first_payment`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

reasons! {
    /// The first payment of a deal with money in it: the deal is won.
    FirstPayment = "first_payment",
    /// The deal was already won by this very transaction.
    AlreadyWonByThis = "already_won_by_this",
    /// The deal was already won by something else.
    AnotherPayment = "another_payment",
    /// The payment of a deal that a person had closed, told from history.
    WonBefore = "won_before",
    /// The deal is lost, and the configuration lets a payment win lost deals.
    LostDealWon = "lost_deal_won",
    /// The first charge after a trial, on a deal that was still open: the deal is won.
    TrialConverted = "trial_converted",
    /// The transaction has a total of zero: nothing was sold yet.
    ZeroTotal = "zero_total",
    /// A renewal: the stage and the price stay.
    RenewalKeepsStage = "renewal_keeps_stage",
    /// A paid change of the plan.
    PlanChanged = "plan_changed",
    /// A one-time charge on a subscription.
    OneTimeCharge = "one_time_charge",
    /// A payment of a kind that this version does not know: it is told, and changes nothing.
    UnknownOrigin = "unknown_origin",
    /// What was paid is not what the deal says: less, another currency, or another plan.
    PriceDiffers = "price_differs",
    /// A person changed a field, and the configuration says that it stays.
    PersonsValueStays = "persons_value_stays",
    /// The transaction's currency is not the account's, and Paddle's payout does not convert to it: no price is set.
    CurrencyDiffers = "currency_differs",
    /// The price was taken from Paddle's conversion to the payout currency.
    PriceFromPayout = "price_from_payout",
    /// The transaction does not say a sum that could be the price.
    NoPrice = "no_price",
    /// Every other line of the payment got a deal of its own.
    DealPerProduct = "deal_per_product",
    /// The configuration wants a task when a deal is won.
    OnWonTask = "on_won_task",
    /// The configuration wants a tag when a deal is won.
    OnWonTag = "on_won_tag",
    /// The configuration wants another deal when a deal is won.
    OnWonDeal = "on_won_deal",
    /// The configuration wants a Salesbot to start when a deal is won.
    OnWonSalesbot = "on_won_salesbot",
    /// A subscription began, started its trial or became active.
    SubscriptionStarted = "subscription_started",
    /// A trial started.
    TrialStarted = "trial_started",
    /// Another subscription of the same deal is running: somebody should look.
    SecondSubscription = "second_subscription",
    /// Something of the subscription changed: its status, or when it is charged next.
    SubscriptionChanged = "subscription_changed",
    /// What the subscription is for changed.
    ItemsChanged = "items_changed",
    /// The subscription is to end at a date.
    CancelScheduled = "cancel_scheduled",
    /// The subscription is not to end after all.
    CancelWithdrawn = "cancel_withdrawn",
    /// The subscription was paused.
    Paused = "paused",
    /// The subscription goes on after a pause.
    Resumed = "resumed",
    /// A checkout failed; the customer may try again.
    CheckoutFailed = "checkout_failed",
    /// An invoice without a subscription was not paid in time.
    InvoicePastDue = "invoice_past_due",
    /// An invoice that was not paid in time was given up: its task is completed.
    InvoiceCanceled = "invoice_canceled",
    /// A charge beside the renewals failed; the subscription goes on.
    ChargeFailed = "charge_failed",
    /// A payment of a running subscription failed: a past-due spell begins.
    PastDue = "past_due",
    /// Another payment failed in the same past-due spell.
    StillPastDue = "still_past_due",
    /// A past-due spell ended well.
    PaymentRecovered = "payment_recovered",
    /// The subscription ended: the rep is asked to win the customer back.
    SubscriptionCanceled = "subscription_canceled",
    /// The rep was already asked about this subscription.
    AlreadyAsked = "already_asked",
    /// The invoice of a payment is to be attached to the deal; of that work itself: it is.
    Invoice = "invoice",
    /// The credit note of a refund or credit is to be attached to the deal; of that work itself: it is.
    CreditNote = "credit_note",
    /// Money went back to the customer.
    Refunded = "refunded",
    /// This refund was already told.
    RefundAlreadyTold = "refund_already_told",
    /// The customer's bank took the money back.
    Chargeback = "chargeback",
    /// The customer's bank announces a chargeback.
    ChargebackWarning = "chargeback_warning",
    /// A chargeback was turned back.
    ChargebackReversed = "chargeback_reversed",
    /// The warning of a chargeback came to nothing.
    ChargebackWarningEnded = "chargeback_warning_ended",
    /// The customer was given credit.
    Credited = "credited",
    /// Credit was taken back from the customer.
    CreditReversed = "credit_reversed",
    /// This adjustment was already told.
    AlreadyTold = "already_told",
    /// The refund waits for Paddle's approval.
    RefundPending = "refund_pending",
    /// Paddle rejected the refund.
    RefundRejected = "refund_rejected",
    /// A newer event of the same Paddle entity was applied before: its state stays.
    Stale = "stale",
    /// A checkout link was made, and the deal was told.
    CheckoutMade = "checkout_made",
    /// What the open checkout link is for changed with the deal.
    CheckoutRevised = "checkout_revised",
    /// The deal did not show its checkout link any more.
    CheckoutRestored = "checkout_restored",
    /// The checkout link is as it should be.
    CheckoutUnchanged = "checkout_unchanged",
    /// The checkout was paid already.
    CheckoutPaid = "checkout_paid",
    /// The checkout was canceled in Paddle.
    CheckoutCanceled = "checkout_canceled",
    /// The deal is not in the stage in which deals get a checkout link.
    NotInPaymentStage = "not_in_payment_stage",
    /// The event came from Paddle's sandbox.
    Sandbox = "sandbox",
    /// The event came from Paddle's simulator.
    Simulated = "simulated",
    /// The event is marked as a test.
    MarkedTest = "marked_test",
    /// Nothing happens in Kommo for this type of event.
    NothingToDo = "nothing_to_do",
    /// A change of the payment method, without a sale.
    CardChange = "card_change",
    /// No deal is named and none can be found, and the configuration says that such sales are not ours.
    NotLinked = "not_linked",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
