//! The way out, for endpoints that have no method here.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    client::Client,
    error::Error,
    query::Query,
    transport::{Answer, Method, Request},
};

/// A method of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RawMethod {
    /// GET
    Get,
    /// POST
    Post,
    /// PATCH
    Patch,
    /// PUT
    Put,
    /// DELETE
    Delete,
}

/// A request to any endpoint of the account, with the same token, limits, repeats and errors as all others; from
/// [`Client::raw`].
#[must_use]
pub struct RawRequest {
    client: Client,
    method: Method,
    path: String,
    query: Query,
    body: Option<Result<serde_json::Value, serde_json::Error>>,
}

impl RawRequest {
    pub(crate) fn new(client: Client, method: RawMethod, path: &str) -> Self {
        let method = match method {
            RawMethod::Get => Method::Get,
            RawMethod::Post => Method::Post,
            RawMethod::Patch => Method::Patch,
            RawMethod::Put => Method::Put,
            RawMethod::Delete => Method::Delete,
        };
        let path = format!("/api/v4/{}", path.trim_start_matches('/'));
        Self { client, method, path, query: Query::default(), body: None }
    }

    /// Adds a pair to the query. The value is encoded, the key goes as it stands.
    pub fn query(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        self.query.push(key, value);
        self
    }

    /// Sets the body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_value(body));
        self
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when path or
    /// query would lead elsewhere, or the body cannot be written as JSON.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn send(self) -> Result<RawAnswer, Error> {
        let mut request = Request::new(self.method, self.path).query(self.query);
        let leads_elsewhere = |text: &str| {
            text.contains(['#', '\\'])
                || text.chars().any(|character| character.is_whitespace() || character.is_control())
        };
        let dots = request.path.split('/').any(|segment| matches!(segment, "." | ".."));
        if dots
            || request.path.contains(['?', '%'])
            || leads_elsewhere(&request.path)
            || leads_elsewhere(request.query.as_str())
        {
            return Err(Error::invalid_request(
                "the path or query holds what would lead elsewhere",
            ));
        }
        if let Some(body) = self.body {
            request = request.json(&body.map_err(Error::invalid_request)?)?;
        }
        self.client.send(&request).await.map(RawAnswer)
    }
}

impl std::fmt::Debug for RawRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RawRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A success, with its body as it came.
pub struct RawAnswer(Answer);

impl RawAnswer {
    /// The status: 200, 201, 202 or 204.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The body; empty for 204.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) when it is not of that shape.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.0.decode()
    }
}

impl std::fmt::Debug for RawAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RawAnswer").field("status", &self.0.status).finish_non_exhaustive()
    }
}
