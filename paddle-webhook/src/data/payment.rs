//! How customers pay.

use time::OffsetDateTime;

use super::{entity, object, private_object};
use crate::{
    AddressId, Amount, CustomerId, PaymentAttemptId, PaymentMethodId, StoredPaymentMethodId,
    open_enum::open_enum,
};

open_enum! {
    /// What became of an attempt to pay.
    pub enum PaymentAttemptStatus {
        /// Authorized, not yet captured.
        Authorized = "authorized",
        /// Authorized, and looked at because of suspected fraud.
        AuthorizedFlagged = "authorized_flagged",
        /// Canceled, also when a capture failed.
        Canceled = "canceled",
        /// The money is there.
        Captured = "captured",
        /// It failed; `error_code` says why.
        Error = "error",
        /// The customer has to do something, for example 3D Secure.
        ActionRequired = "action_required",
        /// The bank takes its time.
        PendingNoActionRequired = "pending_no_action_required",
        /// Just begun.
        Created = "created",
        /// Unknown to Paddle.
        UnknownToPaddle = "unknown",
        /// Given up by the payment provider.
        Dropped = "dropped",
    }

    /// Why an attempt to pay failed.
    pub enum PaymentErrorCode {
        /// The payment was canceled before.
        AlreadyCanceled = "already_canceled",
        /// The payment was refunded before.
        AlreadyRefunded = "already_refunded",
        /// Authentication (mostly 3D Secure) failed.
        AuthenticationFailed = "authentication_failed",
        /// The card is blocked.
        BlockedCard = "blocked_card",
        /// The customer canceled.
        Canceled = "canceled",
        /// The bank declined and did not say why.
        Declined = "declined",
        /// The bank declined for good.
        DeclinedNotRetryable = "declined_not_retryable",
        /// The card has expired.
        ExpiredCard = "expired_card",
        /// Taken for fraud.
        Fraud = "fraud",
        /// The amount cannot be charged.
        InvalidAmount = "invalid_amount",
        /// Details of the payment method are wrong.
        InvalidPaymentDetails = "invalid_payment_details",
        /// The bank could not be reached.
        IssuerUnavailable = "issuer_unavailable",
        /// Not enough money.
        NotEnoughBalance = "not_enough_balance",
        /// The network chosen for the card is not supported.
        PreferredNetworkNotSupported = "preferred_network_not_supported",
        /// Trouble at the payment provider.
        PspError = "psp_error",
        /// The payment method was deleted.
        RedactedPaymentMethod = "redacted_payment_method",
        /// Trouble at Paddle.
        SystemError = "system_error",
        /// The card does not allow such payments.
        TransactionNotPermitted = "transaction_not_permitted",
        /// Unknown to Paddle.
        UnknownToPaddle = "unknown",
    }

    /// A kind of payment method.
    pub enum PaymentMethodType {
        /// Alipay.
        Alipay = "alipay",
        /// Apple Pay.
        ApplePay = "apple_pay",
        /// Bancontact.
        Bancontact = "bancontact",
        /// BLIK.
        Blik = "blik",
        /// A credit or debit card.
        Card = "card",
        /// Google Pay.
        GooglePay = "google_pay",
        /// iDEAL.
        Ideal = "ideal",
        /// Kakao Pay.
        KakaoPay = "kakao_pay",
        /// A Korean payment method (deprecated).
        KoreaLocal = "korea_local",
        /// MB WAY.
        MbWay = "mb_way",
        /// Naver Pay.
        NaverPay = "naver_pay",
        /// Recorded by hand.
        Offline = "offline",
        /// PAYCO.
        Payco = "payco",
        /// PayPal.
        Paypal = "paypal",
        /// Pix.
        Pix = "pix",
        /// Samsung Pay.
        SamsungPay = "samsung_pay",
        /// A South Korean card.
        SouthKoreaLocalCard = "south_korea_local_card",
        /// Unknown to Paddle.
        UnknownToPaddle = "unknown",
        /// UPI.
        Upi = "upi",
        /// WeChat Pay.
        WechatPay = "wechat_pay",
        /// A bank transfer.
        WireTransfer = "wire_transfer",
    }

    /// The network of a card.
    pub enum CardType {
        /// American Express.
        AmericanExpress = "american_express",
        /// Diners Club.
        DinersClub = "diners_club",
        /// Discover.
        Discover = "discover",
        /// JCB.
        Jcb = "jcb",
        /// mada.
        Mada = "mada",
        /// Maestro.
        Maestro = "maestro",
        /// Mastercard.
        Mastercard = "mastercard",
        /// UnionPay.
        UnionPay = "union_pay",
        /// Unknown to Paddle.
        UnknownToPaddle = "unknown",
        /// Visa.
        Visa = "visa",
    }

    /// The issuer of a South Korean card.
    pub enum SouthKoreaLocalCardType {
        /// BC Card.
        Bc = "bc",
        /// Citibank.
        Citi = "citi",
        /// Hana.
        Hana = "hana",
        /// Hyundai.
        Hyundai = "hyundai",
        /// Jeju Bank.
        Jeju = "jeju",
        /// Jeonbuk Bank.
        Jeonbuk = "jeonbuk",
        /// KakaoBank.
        Kakaobank = "kakaobank",
        /// K bank.
        Kbank = "kbank",
        /// KDB.
        Kdbbank = "kdbbank",
        /// Kookmin.
        Kookmin = "kookmin",
        /// Kwangju Bank.
        Kwangju = "kwangju",
        /// Lotte.
        Lotte = "lotte",
        /// MG.
        Mg = "mg",
        /// NongHyup.
        Nh = "nh",
        /// Korea Post.
        Post = "post",
        /// Samsung.
        Samsung = "samsung",
        /// Savings banks.
        Savingsbank = "savingsbank",
        /// Shinhan.
        Shinhan = "shinhan",
        /// Shinhyup.
        Shinhyup = "shinhyup",
        /// Suhyup.
        Suhyup = "suhyup",
        /// Toss Bank.
        Tossbank = "tossbank",
        /// Unknown to Paddle.
        UnknownToPaddle = "unknown",
        /// Woori.
        Woori = "woori",
    }

    /// How a payment method came to be saved.
    pub enum PaymentMethodOrigin {
        /// The customer asked for it when they bought something.
        SavedDuringPurchase = "saved_during_purchase",
        /// A subscription is paid with it.
        Subscription = "subscription",
        /// Both at once.
        SubscriptionSavedDuringPurchase = "subscription_saved_during_purchase",
    }

    /// Why a saved payment method was deleted.
    pub enum DeletionReason {
        /// A newer one, for example of a renewed card, took its place.
        ReplacedByNewerVersion = "replaced_by_newer_version",
        /// The seller deleted it through the API.
        Api = "api",
    }
}

object! {
    /// One attempt to pay a transaction.
    pub struct PaymentAttempt {
        /// Its id.
        pub payment_attempt_id: Option<PaymentAttemptId>,
        /// Deprecated: see `payment_method_id`.
        pub stored_payment_method_id: Option<StoredPaymentMethodId>,
        /// The saved payment method, if it is saved.
        pub payment_method_id: Option<PaymentMethodId>,
        /// What was to be paid, in the currency of the transaction.
        pub amount: Option<Amount>,
        /// What became of it.
        pub status: PaymentAttemptStatus,
        /// Why it failed; absent where it did not.
        pub error_code: PaymentErrorCode,
        /// What was paid with.
        pub method_details: Option<PaymentMethodDetails>,
        /// When it began.
        pub created_at: Option<OffsetDateTime>,
        /// When the money was captured.
        pub captured_at: Option<OffsetDateTime>,
    }
}

object! {
    /// What was paid with.
    pub struct PaymentMethodDetails {
        /// The kind of payment method.
        pub r#type: PaymentMethodType,
        /// Deprecated: see `south_korea_local_card`.
        pub underlying_details: Option<UnderlyingDetails>,
        /// The card, if it was one.
        pub card: Option<Card>,
        /// The South Korean card, if it was one.
        pub south_korea_local_card: Option<SouthKoreaLocalCard>,
        /// The PayPal account, if it was one.
        pub paypal: Option<Paypal>,
    }
}

object! {
    /// Deprecated details of a Korean payment method.
    pub struct UnderlyingDetails {
        /// The payment method.
        pub korea_local: Option<KoreaLocal>,
    }
}

object! {
    /// A Korean payment method (deprecated).
    pub struct KoreaLocal {
        /// Its issuer.
        pub r#type: SouthKoreaLocalCardType,
    }
}

private_object! {
    /// A card.
    pub struct Card {
        /// Its network.
        pub r#type: CardType,
        /// Its last four digits.
        pub last4: Option<String>,
        /// The month it expires in, 1 to 12.
        pub expiry_month: Option<i64>,
        /// The year it expires in.
        pub expiry_year: Option<i64>,
        /// The name on it.
        pub cardholder_name: Option<String>,
    }
}

private_object! {
    /// A South Korean card.
    pub struct SouthKoreaLocalCard {
        /// Its issuer.
        pub r#type: SouthKoreaLocalCardType,
        /// Its last four digits.
        pub last4: Option<String>,
    }
}

private_object! {
    /// A PayPal account.
    pub struct Paypal {
        /// Its e-mail address.
        pub email: Option<String>,
        /// PayPal's reference.
        pub reference: Option<String>,
    }
}

entity! {
    /// A saved payment method. Webhooks do not have its details.
    pub struct PaymentMethod {
        /// Its id.
        pub id: PaymentMethodId,
        /// Whose it is.
        pub customer_id: Option<CustomerId>,
        /// Its billing address.
        pub address_id: Option<AddressId>,
        /// Its kind.
        pub r#type: PaymentMethodType,
        /// How it came to be saved.
        pub origin: PaymentMethodOrigin,
        /// When it was saved.
        pub saved_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// Why it was deleted: in [`PaymentMethodDeleted`](crate::EventType::PaymentMethodDeleted) only.
        pub deletion_reason: DeletionReason,
    }
}
