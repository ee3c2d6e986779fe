//! Files: kept in the drive, a host of its own, and attached to entities.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::{
    account::AccountWith,
    client::Client,
    entity::EntityType,
    error::Error,
    page::{MOST_PAGES, PAGE, Pages},
    path,
    query::Query,
    transport::{Answer, Method, Request},
    wire::{lenient, list},
};

mod drive;

pub use drive::{AttachedFile, DriveFile, FileFilter, FileLink};

const FILES: &str = "/v1.0/files";

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
    ) -> Result<DriveFile, Error> {
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

    /// All files attached to an entity, the newest first.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. [`ErrorKind::Pagination`](crate::ErrorKind::Pagination) when there is no end to
    /// them.
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
        let mut files: Vec<AttachedFile> = Vec::new();
        let mut before = None;
        for _ in 0..MOST_PAGES {
            let query = Query::default().with("limit", PAGE);
            let query = match before {
                Some(id) => query.with("before_id", id),
                None => query,
            };
            let found: Option<Envelope> = self.client.find(path.clone(), query).await?;
            let page = found.map(|envelope| envelope.embedded.files).unwrap_or_default();
            let came = page.len();
            let last = page.last().and_then(|file| file.id);
            files.extend(page);
            // This list has no links; it goes on from the attachment before.
            if came < PAGE || last.is_none() {
                return Ok(files);
            }
            if before.is_some_and(|before| last >= Some(before)) {
                return Err(Error::pagination("a page repeats rows that were read before"));
            }
            before = last;
        }
        Err(Error::pagination("the list has more pages than are read"))
    }

    /// The entities that a file is attached to.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn links(&self, uuid: &str) -> Result<Vec<FileLink>, Error> {
        #[derive(Deserialize)]
        struct Envelope {
            #[serde(default, deserialize_with = "list")]
            entities: Vec<FileLink>,
        }
        let path = path::of(&["files", uuid, "links"])?;
        let found: Option<Envelope> = self.client.find(path, Query::default()).await?;
        Ok(found.map(|envelope| envelope.entities).unwrap_or_default())
    }

    /// The file in the drive with this uuid, for example one of [`attached`](Self::attached); `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, uuid: &str) -> Result<Option<DriveFile>, Error> {
        let path = path::of_drive(&["files", uuid])?;
        let request = Request::new(Method::Get, path).host(self.drive().await?);
        match self.client.send(&request).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            answer => answer?.decode().map(Some),
        }
    }

    /// The files in the drive that pass the filter, page by page. What was uploaded a moment ago may not be among them yet.
    ///
    /// # Errors
    ///
    /// As every call, since the account is asked where its drive is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self, filter: &FileFilter) -> Result<Pages<DriveFile>, Error> {
        let pages = Pages::new(self.client.clone(), FILES.to_owned(), filter.to_query());
        Ok(pages.at(self.drive().await?))
    }

    /// Puts files of the drive into its trash, which is emptied after thirty days. The token needs the scope `files_delete`.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn delete(&self, uuids: &[&str]) -> Result<(), Error> {
        #[derive(Serialize)]
        struct File<'a> {
            uuid: &'a str,
        }
        if uuids.is_empty() {
            return Ok(());
        }
        let files: Vec<File<'_>> = uuids.iter().map(|uuid| File { uuid }).collect();
        let request = Request::new(Method::Delete, FILES.to_owned()).host(self.drive().await?);
        self.client.send(&request.json(&files)?).await.map(drop)
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
