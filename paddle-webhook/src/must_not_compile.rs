//! What the types rule out. Each of these is run as a doctest, and fails if it compiles.

/// The same lines, right: so that the others fail for their own reason.
/// ```
/// use paddle_webhook::{SecretKey, Verifier};
/// let secret = SecretKey::new("k").unwrap();
/// let debug = format!("{secret:?}");
/// let verified = Verifier::new(secret).verify(b"", b"{}");
/// ```
///
/// A proof that was not given by a verifier:
/// ```compile_fail,E0451
/// let forged = paddle_webhook::Verified { body: b"{}", ..todo!() };
/// ```
///
/// A secret that is printed:
/// ```compile_fail,E0277
/// let secret = paddle_webhook::SecretKey::new("k").unwrap();
/// let text = format!("{secret}");
/// ```
///
/// A secret that is written out:
/// ```compile_fail,E0277
/// fn write<T: serde_core::Serialize>(_: T) {}
/// write(paddle_webhook::SecretKey::new("k").unwrap());
/// ```
///
/// A secret that is compared, and so in a time that tells where it differs:
/// ```compile_fail,E0369
/// let secret = || paddle_webhook::SecretKey::new("k").unwrap();
/// let same = secret() == secret();
/// ```
///
/// A secret that nobody looked at:
/// ```compile_fail,E0277
/// let secret: paddle_webhook::SecretKey = String::from("k").into();
/// ```
///
/// A verified body that outlives its bytes:
/// ```compile_fail,E0597
/// use paddle_webhook::{SecretKey, Verifier};
/// let verifier = Verifier::new(SecretKey::new("k").unwrap());
/// let verified = {
///     let body = vec![b'{', b'}'];
///     verifier.verify(b"", &body)
/// };
/// drop(verified);
/// ```
struct MustNotCompile;
