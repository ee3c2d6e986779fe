//! A request, before it is sent.

use reqwest::header::HeaderValue;
use url::Url;

use crate::{error::Error, query::Query};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    Get,
    Post,
    Patch,
    Put,
    Delete,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    pub(super) fn to_reqwest(self) -> reqwest::Method {
        match self {
            Self::Get => reqwest::Method::GET,
            Self::Post => reqwest::Method::POST,
            Self::Patch => reqwest::Method::PATCH,
            Self::Put => reqwest::Method::PUT,
            Self::Delete => reqwest::Method::DELETE,
        }
    }
}

pub(crate) struct Request {
    pub(crate) method: Method,
    /// From the root of the host: `/api/v4/leads`.
    pub(crate) path: String,
    pub(crate) query: Query,
    /// Another host than the account's own: the drive, or where renamed accounts are found. It was checked before it
    /// came here.
    pub(crate) host: Option<Url>,
    /// A header whose value is nobody's business.
    pub(super) secret: Option<(&'static str, HeaderValue)>,
    pub(super) body: Option<(HeaderValue, Vec<u8>)>,
}

impl Request {
    pub(crate) fn new(method: Method, path: String) -> Self {
        Self { method, path, query: Query::default(), host: None, secret: None, body: None }
    }

    #[must_use]
    pub(crate) fn query(mut self, query: Query) -> Self {
        self.query = query;
        self
    }

    /// # Errors
    ///
    /// When the body cannot be written as JSON.
    pub(crate) fn json(mut self, body: &(impl serde::Serialize + ?Sized)) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(Error::invalid_request)?;
        self.body = Some((HeaderValue::from_static("application/json"), body));
        Ok(self)
    }

    /// # Errors
    ///
    /// When the type is no header value.
    pub(crate) fn bytes(mut self, content_type: &str, body: Vec<u8>) -> Result<Self, Error> {
        let content_type = HeaderValue::from_str(content_type).map_err(Error::invalid_request)?;
        self.body = Some((content_type, body));
        Ok(self)
    }

    #[must_use]
    pub(crate) fn host(mut self, host: Url) -> Self {
        self.host = Some(host);
        self
    }

    /// # Errors
    ///
    /// When the secret is no header value.
    pub(crate) fn secret(mut self, name: &'static str, value: &str) -> Result<Self, Error> {
        let mut value = HeaderValue::from_str(value).map_err(Error::invalid_request)?;
        value.set_sensitive(true);
        self.secret = Some((name, value));
        Ok(self)
    }
}
