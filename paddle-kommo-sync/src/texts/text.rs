//! Which text.

use super::{
    Placeholder::{
        self, Adjustment, Attempts, Before, Card, Credit, Currency, Date, Deal, From, Invoice,
        Link, Net, Period, Plan, Price, Reason, Remains, Subscription, Sum, Tax, To, Total,
        Transaction,
    },
    named::named,
};

named! {
    /// Which text: one for each thing that a rep is told. Those that end in `Task` are the text of a task, those that
    /// end in `Result` what a task is completed with, `new_deal` is the name of a deal, all others are notes.
    pub enum Text,
    /// Its name in the configuration: `payment`.
    key {
        /// The first payment, which closes the deal. `{date}` is the day of the payment.
        Payment = "payment",
        /// A renewal was paid. `{date}` is the day of the payment.
        Renewal = "renewal",
        /// A change of the plan was paid. `{date}` is the day of the payment.
        PlanChange = "plan_change",
        /// A one-time charge of a subscription was paid. `{date}` is the day of the payment.
        OneTimeCharge = "one_time_charge",
        /// A payment that is none of these. `{date}` is the day of the payment.
        OtherPayment = "other_payment",
        /// A first payment on a deal that was won already. `{date}` is the day of the payment.
        AnotherPayment = "another_payment",
        /// The same, for somebody to look at. `{date}` is the day of the payment.
        SecondPaymentTask = "second_payment_task",
        /// What was paid is not what the deal says. `{date}` is the day of the payment.
        PriceDiffers = "price_differs",
        /// The same, for somebody to look at. `{date}` is the day of the payment.
        PriceDiffersTask = "price_differs_task",
        /// A trial began. `{date}` is the day of the first charge.
        TrialStarted = "trial_started",
        /// The subscription will end. `{date}` is the day on which it does.
        CancelScheduled = "cancel_scheduled",
        /// The same: time to win the customer back. `{date}` is the day of the end.
        CancelScheduledTask = "cancel_scheduled_task",
        /// The subscription will not end after all. `{date}` is the day of the next charge.
        CancelWithdrawn = "cancel_withdrawn",
        /// With this the task about its end is completed. `{date}` is the day of the next charge.
        CancelWithdrawnResult = "cancel_withdrawn_result",
        /// The subscription is for something else now. `{date}` is the day of the next charge.
        ItemsChanged = "items_changed",
        /// The subscription rests. `{date}` is the day on which it goes on, if that is settled.
        Paused = "paused",
        /// The subscription goes on. `{date}` is the day of the next charge.
        Resumed = "resumed",
        /// The subscription has ended: time to win the customer back. `{date}` is the day of the end.
        WinBackTask = "win_back_task",
        /// An attempt to pay failed before anything was paid. `{date}` is the day of the attempt.
        CheckoutFailed = "checkout_failed",
        /// A charge of a subscription beside its renewals failed, and the subscription goes on. `{date}` is the day of the
        /// attempt.
        ChargeFailed = "charge_failed",
        /// A subscription is past due. `{date}` is the day since when.
        DunningTask = "dunning_task",
        /// What was past due is paid. `{date}` is the day of the payment, or that on which the subscription was active
        /// again.
        Recovered = "recovered",
        /// With this the task about it is completed. `{date}` is the same day.
        RecoveredResult = "recovered_result",
        /// With this it is completed when the subscription has ended instead. `{date}` is the day of the end.
        DunningEndedResult = "dunning_ended_result",
        /// An invoice without a subscription was not paid in time. `{date}` is the day on which Paddle said so.
        InvoicePastDueTask = "invoice_past_due_task",
        /// With this it is completed when the invoice was canceled. `{date}` is the day on which it was.
        InvoiceCanceledResult = "invoice_canceled_result",
        /// Money went back to the customer. `{date}` is the day of the refund.
        Refund = "refund",
        /// The customer's bank took a payment back. `{date}` is the day of the chargeback.
        Chargeback = "chargeback",
        /// The same, for somebody to look at. `{date}` is the day of the chargeback.
        ChargebackTask = "chargeback_task",
        /// The customer's bank may take a payment back. `{date}` is the day of the warning.
        ChargebackWarning = "chargeback_warning",
        /// The same, for somebody to act on. `{date}` is the day of the warning.
        ChargebackWarningTask = "chargeback_warning_task",
        /// What the bank took back has returned. `{date}` is the day of the return.
        ChargebackReversed = "chargeback_reversed",
        /// With this the task about the chargeback is completed. `{date}` is the day of the return.
        ChargebackReversedResult = "chargeback_reversed_result",
        /// The customer's bank will not take the payment back after all. `{date}` is the day on which it said so.
        ChargebackWarningEnded = "chargeback_warning_ended",
        /// With this the task about the warning is completed. `{date}` is the day on which the bank said so.
        ChargebackWarningEndedResult = "chargeback_warning_ended_result",
        /// The customer got a credit for later payments. `{date}` is the day of the credit.
        Credit = "credit",
        /// That credit was taken back. `{date}` is the day on which it was.
        CreditReversed = "credit_reversed",
        /// A deal has two live subscriptions. `{date}` is the day of the second one's next charge.
        SecondSubscriptionTask = "second_subscription_task",
        /// The note that comes with an invoice. `{date}` is the day of the invoice.
        Invoice = "invoice",
        /// The note that comes with a credit note. `{date}` is the day of the refund or credit.
        CreditNote = "credit_note",
        /// A checkout link was made.
        CheckoutLink = "checkout_link",
        /// What an open checkout link is for changed.
        CheckoutRevised = "checkout_revised",
        /// A task that the configuration makes when a deal is won. `{date}` is the day of the payment.
        OnWonTask = "on_won_task",
        /// The name of a deal that is made for a payment. `{date}` is the day of the payment.
        NewDeal = "new_deal",
    }
}

impl Text {
    /// What can be filled into this text. A template of it that uses anything else is refused.
    #[must_use]
    pub const fn placeholders(self) -> &'static [Placeholder] {
        match self {
            Self::Payment
            | Self::Renewal
            | Self::OneTimeCharge
            | Self::OtherPayment
            | Self::AnotherPayment
            | Self::SecondPaymentTask
            | Self::Recovered
            | Self::RecoveredResult
            | Self::Invoice => &[
                Sum,
                Net,
                Tax,
                Credit,
                Currency,
                Plan,
                Period,
                From,
                To,
                Date,
                Invoice,
                Transaction,
                Subscription,
            ],
            Self::OnWonTask | Self::NewDeal => &[
                Deal,
                Plan,
                Sum,
                Net,
                Tax,
                Credit,
                Currency,
                Period,
                From,
                To,
                Date,
                Invoice,
                Transaction,
                Subscription,
            ],
            // A subscription tells so itself.
            Self::InvoicePastDueTask | Self::InvoiceCanceledResult => &[
                Sum,
                Net,
                Tax,
                Credit,
                Currency,
                Plan,
                Period,
                From,
                To,
                Date,
                Invoice,
                Transaction,
            ],
            Self::PlanChange => &[
                Sum,
                Net,
                Tax,
                Credit,
                Currency,
                Plan,
                Before,
                Period,
                From,
                To,
                Date,
                Invoice,
                Transaction,
                Subscription,
            ],
            Self::PriceDiffers | Self::PriceDiffersTask => &[
                Sum,
                Net,
                Tax,
                Credit,
                Currency,
                Plan,
                Period,
                From,
                To,
                Date,
                Invoice,
                Transaction,
                Subscription,
                Price,
                Before,
            ],
            Self::TrialStarted
            | Self::CancelScheduled
            | Self::CancelScheduledTask
            | Self::CancelWithdrawn
            | Self::CancelWithdrawnResult
            | Self::Resumed
            | Self::SecondSubscriptionTask => &[Plan, Period, Date, Subscription],
            // What rests or has ended has no billing period.
            Self::Paused | Self::WinBackTask | Self::DunningEndedResult => {
                &[Plan, Date, Subscription]
            }
            Self::CheckoutLink | Self::CheckoutRevised => &[Link, Plan, Transaction],
            Self::ItemsChanged => &[Plan, Before, Period, Date, Subscription],
            Self::CheckoutFailed | Self::ChargeFailed | Self::DunningTask => &[
                Sum,
                Currency,
                Plan,
                Period,
                Date,
                Transaction,
                Subscription,
                Reason,
                Attempts,
                Card,
            ],
            Self::Refund | Self::CreditNote => &[
                Sum,
                Currency,
                Date,
                Transaction,
                Subscription,
                Adjustment,
                Reason,
                Total,
                Remains,
            ],
            // What remains after a chargeback is decided between the banks.
            Self::Chargeback
            | Self::ChargebackTask
            | Self::ChargebackWarning
            | Self::ChargebackWarningTask
            | Self::ChargebackReversed
            | Self::ChargebackReversedResult
            | Self::ChargebackWarningEnded
            | Self::ChargebackWarningEndedResult
            | Self::Credit
            | Self::CreditReversed => {
                &[Sum, Currency, Date, Transaction, Subscription, Adjustment, Reason, Total]
            }
        }
    }

    /// The one of this key.
    pub(super) fn named(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|text| text.key() == key)
    }
}
