//! English.

use super::Text;

#[rustfmt::skip] // One line per text, for whoever translates.
pub(super) const fn template(text: Text) -> &'static str {
    match text {
        Text::Payment => "Paid[ {sum}] (net {net} + tax {tax}) · {plan} · {from} to {to} · invoice {invoice} · {transaction}",
        Text::Renewal => "Renewal paid[ {sum}] (net {net} + tax {tax}) · {plan} · {from} to {to} · invoice {invoice} · {transaction}",
        Text::PlanChange => "Plan change paid[ {sum}] (net {net} + tax {tax}) · {plan} · before: {before} · {from} to {to} · invoice {invoice} · {transaction}",
        Text::OneTimeCharge => "One-time charge paid[ {sum}] (net {net} + tax {tax}) · {plan} · {from} to {to} · invoice {invoice} · {transaction}",
        Text::OtherPayment => "Paid[ {sum}] (net {net} + tax {tax}) · {plan} · {from} to {to} · invoice {invoice} · {transaction}",
        Text::AnotherPayment => "Another payment on a deal that was already won: paid[ {sum}] (net {net} + tax {tax}) · {plan} · {from} to {to} · invoice {invoice} · {transaction}",
        Text::SecondPaymentTask => "Second payment on a won deal: check whether it belongs here · {sum} · {transaction}",
        Text::PriceDiffers => "The payment differs from the price in the deal · paid {sum} (net {net} + tax {tax}) · deal {price} · {plan} · deal says {before} · invoice {invoice} · {transaction}",
        Text::PriceDiffersTask => "Check the price: the payment differs from the deal · paid {sum} (net {net} + tax {tax}) · deal {price} · {plan} · deal says {before} · {transaction}",
        Text::TrialStarted => "Trial started[, first charge on {date}] · {plan} · {subscription}",
        Text::CancelScheduled => "Subscription will end[ on {date}] · {plan} · {subscription}",
        Text::CancelScheduledTask => "Subscription will end[ on {date}]: win the customer back · {plan} · {subscription}",
        Text::CancelWithdrawn => "Cancellation withdrawn, the subscription goes on · {plan} · next charge on {date} · {subscription}",
        Text::CancelWithdrawnResult => "The customer stays: cancellation withdrawn · next charge on {date} · {subscription}",
        Text::ItemsChanged => "Subscription changed · now: {plan} · before: {before} · next charge on {date} · {subscription}",
        Text::Paused => "Subscription paused[ until {date}] · {plan} · {subscription}",
        Text::Resumed => "Subscription resumed · {plan} · next charge on {date} · {subscription}",
        Text::WinBackTask => "Subscription canceled: win the customer back · {plan} · {subscription}",
        Text::CheckoutFailed => "Payment attempt failed, nothing is paid yet · {sum} · {reason} · card {card} · failed attempts: {attempts} · {plan} · {transaction}",
        Text::ChargeFailed => "Charge failed, the subscription goes on · {sum} · {reason} · card {card} · failed attempts: {attempts} · {plan} · {transaction}",
        Text::DunningTask => "Payment past due[ since {date}]: talk to the customer · {sum} · {reason} · card {card} · failed attempts: {attempts} · {plan} · {subscription}",
        Text::Recovered => "Payment recovered[: {sum}] (net {net} + tax {tax}) · {plan} · invoice {invoice} · {transaction}",
        Text::RecoveredResult => "The customer has paid[ {sum}] · {transaction}",
        Text::Refund => "Refunded[ {sum}][ of {total}][, {remains} remains] · {reason} · {adjustment} · {transaction}",
        Text::Chargeback => "Chargeback[: {sum}][ of {total}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackTask => "Chargeback[ of {sum}]: talk to the customer · {reason} · {transaction}",
        Text::ChargebackWarning => "Chargeback warning[ for {sum}]: the bank may take the payment back · {reason} · {adjustment} · {transaction}",
        Text::ChargebackWarningTask => "Chargeback warning[ for {sum}]: talk to the customer before the bank takes the payment back · {reason} · {transaction}",
        Text::ChargebackReversed => "Chargeback reversed, the money is back[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackReversedResult => "Chargeback reversed, the money is back[: {sum}] · {adjustment}",
        Text::ChargebackWarningEnded => "Chargeback warning withdrawn, the payment stands[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackWarningEndedResult => "Chargeback warning withdrawn, the payment stands[: {sum}] · {adjustment}",
        Text::Credit => "Credit for the customer[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::SecondSubscriptionTask => "Second live subscription on this deal: check whether it belongs here · {plan} · {subscription}",
        Text::Invoice => "Invoice[ {invoice}] · {sum} · {date} · {transaction}",
        Text::CreditNote => "Credit note[ for {sum}] · {reason} · {adjustment} · {transaction}",
        Text::CheckoutLink => "Payment link[: {link}] · {plan} · {transaction}",
        Text::CheckoutRevised => "The payment link stays, what it is for changed · now: {plan} · {link} · {transaction}",
        Text::OnWonTask => "Deal won: look after the new customer · {deal} · {plan}",
        Text::NewDeal => "New deal[: {deal}] · {plan}",
    }
}
