//! Spanish.

use super::Text;

#[rustfmt::skip] // One line per text, for whoever translates.
pub(super) const fn template(text: Text) -> &'static str {
    match text {
        Text::Payment => "Pago recibido[: {sum}] (neto {net} + impuestos {tax}) · {plan} · del {from} al {to} · factura {invoice} · {transaction}",
        Text::Renewal => "Renovación pagada[: {sum}] (neto {net} + impuestos {tax}) · {plan} · del {from} al {to} · factura {invoice} · {transaction}",
        Text::PlanChange => "Cambio de plan pagado[: {sum}] (neto {net} + impuestos {tax}) · {plan} · antes: {before} · del {from} al {to} · factura {invoice} · {transaction}",
        Text::OneTimeCharge => "Cargo único pagado[: {sum}] (neto {net} + impuestos {tax}) · {plan} · del {from} al {to} · factura {invoice} · {transaction}",
        Text::OtherPayment => "Pago recibido[: {sum}] (neto {net} + impuestos {tax}) · {plan} · del {from} al {to} · factura {invoice} · {transaction}",
        Text::AnotherPayment => "Otro pago en un lead que ya estaba ganado[: {sum}] (neto {net} + impuestos {tax}) · {plan} · del {from} al {to} · factura {invoice} · {transaction}",
        Text::SecondPaymentTask => "Segundo pago en un lead ganado: revisa si corresponde aquí · {sum} · {transaction}",
        Text::PriceDiffers => "El pago no coincide con el precio del lead · pagado {sum} (neto {net} + impuestos {tax}) · lead {price} · {plan} · el lead dice {before} · factura {invoice} · {transaction}",
        Text::PriceDiffersTask => "Revisa el precio: el pago no coincide con el lead · pagado {sum} (neto {net} + impuestos {tax}) · lead {price} · {plan} · el lead dice {before} · {transaction}",
        Text::TrialStarted => "Empezó el período de prueba[, primer cobro el {date}] · {plan} · {subscription}",
        Text::CancelScheduled => "La suscripción terminará[ el {date}] · {plan} · {subscription}",
        Text::CancelScheduledTask => "La suscripción terminará[ el {date}]: recupera al cliente · {plan} · {subscription}",
        Text::CancelWithdrawn => "Cancelación retirada, la suscripción continúa · {plan} · próximo cobro el {date} · {subscription}",
        Text::CancelWithdrawnResult => "El cliente se queda: retiró la cancelación · próximo cobro el {date} · {subscription}",
        Text::ItemsChanged => "La suscripción cambió · ahora: {plan} · antes: {before} · próximo cobro el {date} · {subscription}",
        Text::Paused => "Suscripción en pausa[ hasta el {date}] · {plan} · {subscription}",
        Text::Resumed => "Suscripción reanudada · {plan} · próximo cobro el {date} · {subscription}",
        Text::WinBackTask => "Suscripción cancelada: recupera al cliente · {plan} · {subscription}",
        Text::CheckoutFailed => "El intento de pago falló, aún no hay nada pagado · {sum} · {reason} · tarjeta {card} · intentos fallidos: {attempts} · {plan} · {transaction}",
        Text::ChargeFailed => "El cobro falló, la suscripción continúa · {sum} · {reason} · tarjeta {card} · intentos fallidos: {attempts} · {plan} · {transaction}",
        Text::DunningTask => "Pago vencido[ desde el {date}]: habla con el cliente · {sum} · {reason} · tarjeta {card} · intentos fallidos: {attempts} · {plan} · {subscription}",
        Text::Recovered => "Pago recuperado[: {sum}] (neto {net} + impuestos {tax}) · {plan} · factura {invoice} · {transaction}",
        Text::RecoveredResult => "El cliente ya pagó[ {sum}] · {transaction}",
        Text::Refund => "Reembolso[: {sum}][ de {total}][, quedan {remains}] · {reason} · {adjustment} · {transaction}",
        Text::Chargeback => "Contracargo[: {sum}][ de {total}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackTask => "Contracargo[ de {sum}]: habla con el cliente · {reason} · {transaction}",
        Text::ChargebackWarning => "Aviso de contracargo[ por {sum}]: el banco podría revertir el pago · {reason} · {adjustment} · {transaction}",
        Text::ChargebackWarningTask => "Aviso de contracargo[ por {sum}]: habla con el cliente antes de que el banco revierta el pago · {reason} · {transaction}",
        Text::ChargebackReversed => "Contracargo anulado, el dinero volvió[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackReversedResult => "Contracargo anulado, el dinero volvió[: {sum}] · {adjustment}",
        Text::ChargebackWarningEnded => "Aviso de contracargo retirado, el pago se mantiene[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackWarningEndedResult => "Aviso de contracargo retirado, el pago se mantiene[: {sum}] · {adjustment}",
        Text::Credit => "Crédito a favor del cliente[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::SecondSubscriptionTask => "Segunda suscripción activa en este lead: revisa si corresponde aquí · {plan} · {subscription}",
        Text::Invoice => "Factura[ {invoice}] · {sum} · {date} · {transaction}",
        Text::CreditNote => "Nota de crédito[ por {sum}] · {reason} · {adjustment} · {transaction}",
        Text::CheckoutLink => "Enlace de pago[: {link}] · {plan} · {transaction}",
        Text::CheckoutRevised => "El enlace de pago sigue igual, cambió lo que se paga · ahora: {plan} · {link} · {transaction}",
        Text::OnWonTask => "Lead ganado: atiende al nuevo cliente · {deal} · {plan}",
        Text::NewDeal => "Nuevo lead[: {deal}] · {plan}",
    }
}
