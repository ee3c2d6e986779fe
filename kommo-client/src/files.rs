//! Files: kept in the drive, a host of its own, and attached to entities.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::{
    account::AccountWith,
    client::Client,
    entity::EntityType,
    error::{Error, ErrorKind},
    page::PAGE,
    path,
    query::Query,
    transport::{Answer, Method, Request},
    wire::{lenient, list, or_default},
};

/// The files of an account; from [`Client::files`]. The token needs the scope `files`.
#[derive(Clone, Debug)]
pub struct Files {
    client: Client,
}

impl Files {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Uploads a file, part by part. Attach it next: by [`attach`](Self::attach), by
    /// [`NewNote::attachment`](crate::NewNote::attachment), or as the value of a custom field.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. After [`Fate::Unknown`](crate::Fate::Unknown) the file may be there without
    /// anybody knowing its uuid; a second upload makes a second file, which does no harm to entities.
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when it is empty or larger than Kommo takes.
    ///
    /// # Cancel safety
    ///
    /// An upload that is dropped leaves parts behind, which Kommo forgets after a day.
    pub async fn upload(
        &self,
        file_name: &str,
        content_type: &str,
        content: &[u8],
    ) -> Result<UploadedFile, Error> {
        #[derive(Serialize)]
        struct New<'a> {
            file_name: &'a str,
            file_size: usize,
            content_type: &'a str,
        }
        if content.is_empty() {
            return Err(Error::invalid_request("an empty file cannot be uploaded"));
        }
        let drive = self.drive().await?;
        let new = New { file_name, file_size: content.len(), content_type };
        let request = Request::new(Method::Post, "/v1.0/sessions".to_owned())
            .host(drive.clone())
            .json(&new)?;
        let answer = self.client.send(&request).await?;
        let session: Session = answer.decode()?;
        if session.max_file_size.is_some_and(|most| as_u64(content.len()) > most) {
            return Err(Error::invalid_request("the file is larger than Kommo takes"));
        }
        let part_size = usize::try_from(session.max_part_size).unwrap_or(usize::MAX);
        if part_size < LEAST_PART {
            return Err(answer.undecodable("the parts of the upload are absurdly small"));
        }
        let mut url = self.upload_url(&answer, &drive, &session.upload_url)?;
        let mut parts = content.chunks(part_size).peekable();
        while let Some(part) = parts.next() {
            // The URL goes as Kommo gave it: it carries the state of the upload.
            let request = Request::new(Method::Post, url.path().to_owned())
                .query(Query::from_link(url.query().unwrap_or_default()))
                .host(drive.clone())
                .bytes(content_type, part.to_vec())?;
            let answer = self.client.send(&request).await?;
            if parts.peek().is_none() {
                return answer.decode();
            }
            let next: NextPart = answer.decode()?;
            url = self.upload_url(&answer, &drive, &next.next_url)?;
        }
        Err(answer.undecodable("the upload has no parts"))
    }

    /// Attaches uploaded files to an entity. Doing it twice is harmless.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn attach(&self, to: EntityType, id: u64, uuids: &[&str]) -> Result<(), Error> {
        self.change(Method::Put, &to, id, uuids).await
    }

    /// Detaches files from an entity. They stay in the drive.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn detach(&self, from: EntityType, id: u64, uuids: &[&str]) -> Result<(), Error> {
        self.change(Method::Delete, &from, id, uuids).await
    }

    /// The files attached to an entity, up to 250 of them, the newest first.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn attached(&self, of: EntityType, id: u64) -> Result<Vec<AttachedFile>, Error> {
        #[derive(Deserialize)]
        struct Envelope {
            #[serde(rename = "_embedded")]
            embedded: Embedded,
        }
        #[derive(Deserialize)]
        struct Embedded {
            #[serde(default, deserialize_with = "list")]
            files: Vec<AttachedFile>,
        }
        let path = path::of(&[of.as_str(), &id.to_string(), "files"])?;
        let query = Query::default().with("limit", PAGE);
        let found: Option<Envelope> = self.client.find(path, query).await?;
        Ok(found.map(|envelope| envelope.embedded.files).unwrap_or_default())
    }

    /// A file of the drive, for example one of [`attached`](Self::attached); none when there is none of this uuid.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, uuid: &str) -> Result<Option<UploadedFile>, Error> {
        let drive = self.drive().await?;
        let request = Request::new(Method::Get, path::of_drive(&["files", uuid])?).host(drive);
        match self.client.send(&request).await {
            Ok(answer) => answer.decode().map(Some),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn change(
        &self,
        method: Method,
        entity_type: &EntityType,
        id: u64,
        uuids: &[&str],
    ) -> Result<(), Error> {
        #[derive(Serialize)]
        struct File<'a> {
            file_uuid: &'a str,
        }
        if uuids.is_empty() {
            return Ok(());
        }
        let files: Vec<File<'_>> = uuids.iter().map(|uuid| File { file_uuid: uuid }).collect();
        let path = path::of(&[entity_type.as_str(), &id.to_string(), "files"])?;
        self.client.send(&Request::new(method, path).json(&files)?).await.map(drop)
    }

    /// The account's drive, asked for once per client.
    async fn drive(&self) -> Result<Url, Error> {
        let ask = || async {
            let account = self.client.account().get_with(&[AccountWith::DriveUrl]).await?;
            let url = account.drive_url.as_deref().and_then(|url| Url::parse(url).ok());
            url.filter(|url| self.is_drive(url))
                .ok_or_else(|| Error::decode("the account names no drive that could be trusted"))
        };
        self.client.drive().get_or_try_init(ask).await.cloned()
    }

    /// The token goes there, so it must be Kommo's, or this machine where the account is on this machine too.
    fn is_drive(&self, url: &Url) -> bool {
        let plain = url.username().is_empty() && url.password().is_none();
        plain
            && match url.host() {
                Some(Host::Domain("localhost")) => url.scheme() == "http" && self.client.is_local(),
                Some(Host::Domain(host)) => {
                    let vendor = DOMAINS.iter().any(|domain| host.ends_with(domain));
                    vendor && url.scheme() == "https" && url.port().is_none()
                }
                Some(Host::Ipv4(address)) => {
                    let http = matches!(url.scheme(), "http" | "https");
                    http && address.is_loopback() && self.client.is_local()
                }
                _ => false,
            }
    }

    fn upload_url(&self, answer: &Answer, drive: &Url, link: &str) -> Result<Url, Error> {
        let url = drive.join(link).ok();
        url.filter(|url| url.host() == drive.host() && url.port() == drive.port())
            .ok_or_else(|| answer.undecodable("the upload leads to another host"))
    }
}

const DOMAINS: [&str; 3] = [".kommo.com", ".amocrm.ru", ".amocrm.com"];

/// Kommo's parts are 128 or 512 KiB. Below this an answer would make us send requests without end.
const LEAST_PART: usize = 4 << 10;

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[derive(Deserialize)]
struct Session {
    upload_url: String,
    max_part_size: u64,
    #[serde(default, deserialize_with = "lenient")]
    max_file_size: Option<u64>,
}

#[derive(Deserialize)]
struct NextPart {
    next_url: String,
}

/// A file in the drive.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct UploadedFile {
    /// What it is attached by.
    pub uuid: String,
    /// This version of it.
    #[serde(default, deserialize_with = "lenient")]
    pub version_uuid: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "lenient")]
    pub size: Option<u64>,
}

/// A file of an entity.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct AttachedFile {
    /// The file.
    pub file_uuid: String,
    /// The attachment.
    #[serde(default, deserialize_with = "lenient")]
    pub id: Option<u64>,
}
