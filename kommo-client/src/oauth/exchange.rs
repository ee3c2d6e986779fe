//! What is sent to the token endpoint, and what it answers.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{HASTE, OAuthApp, TokenPair, life::Fresh, zeroizing};
use crate::{
    error::{Error, ErrorKind},
    transport::{Method, Request, Transport},
    wire::lenient,
};

/// Asks for a token pair.
pub(super) async fn ask(
    app: &OAuthApp,
    transport: &Transport,
    grant: Grant<'_>,
) -> Result<(TokenPair, Fresh), Error> {
    let (grant_type, code, refresh_token) = match grant {
        Grant::Code(code) => ("authorization_code", Some(code), None),
        Grant::Refresh(pair) => ("refresh_token", None, Some(pair.refresh.as_str())),
    };
    let body = TokenRequest {
        client_id: &app.client_id,
        client_secret: &app.client_secret,
        grant_type,
        code,
        refresh_token,
        redirect_uri: &app.redirect_uri,
    };
    let request = Request::new(Method::Post, "/oauth2/access_token".to_owned()).json(&body)?;
    let answer = match transport.send(&request, None, &HASTE).await {
        Ok(answer) => answer,
        // Its texts are localized; the hint, in `detail`, says which of the tokens is at fault.
        Err(error) if matches!(error.status(), Some(400 | 401)) => {
            return Err(error.with_kind(ErrorKind::Unauthorized));
        }
        Err(error) => return Err(error),
    };
    let tokens: TokenAnswer = answer.decode()?;
    let pair = TokenPair::new(tokens.access_token, tokens.refresh_token)
        .ok_or_else(|| answer.undecodable("the answer holds no tokens"))?;
    Ok((pair, Fresh::new(tokens.expires_in)))
}

/// What a pair is given for.
pub(super) enum Grant<'a> {
    Code(&'a str),
    Refresh(&'a TokenPair),
}

#[derive(Serialize)]
struct TokenRequest<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    grant_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    redirect_uri: &'a str,
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(with = "zeroizing")]
    access_token: Zeroizing<String>,
    #[serde(with = "zeroizing")]
    refresh_token: Zeroizing<String>,
    #[serde(default, deserialize_with = "lenient")]
    expires_in: Option<u64>,
}
