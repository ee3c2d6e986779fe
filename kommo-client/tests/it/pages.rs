//! Lists that come in pages.

use kommo_client::{EntityType, Error, ErrorKind, FieldDefinition};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{any, query_param},
};

use crate::support::{client, requests};

const PATH: &str = "/api/v4/leads/custom_fields";

fn page(ids: impl IntoIterator<Item = u64>, next: Option<&str>) -> ResponseTemplate {
    let fields: Vec<_> = ids.into_iter().map(|id| serde_json::json!({"id": id})).collect();
    let mut body = serde_json::json!({"_embedded": {"custom_fields": fields}, "_links": {"self": {"href": "x"}}});
    if let Some(next) = next {
        body["_links"]["next"] = serde_json::json!({"href": next});
    }
    ResponseTemplate::new(200).set_body_json(body)
}

async fn list(server: &MockServer) -> Result<Vec<FieldDefinition>, Error> {
    client(server).custom_fields(EntityType::Leads).list().await
}

async fn ids(server: &MockServer) -> Vec<u64> {
    list(server).await.unwrap().iter().map(|field| field.id.get()).collect()
}

#[tokio::test]
async fn pages_are_followed_until_there_is_no_next() {
    let server = MockServer::start().await;
    let next = format!("{}{PATH}?limit=2&page=2", server.uri());
    Mock::given(query_param("page", "2")).respond_with(page([3], None)).mount(&server).await;
    Mock::given(any()).respond_with(page([1, 2], Some(&next))).mount(&server).await;
    assert_eq!(ids(&server).await, [1, 2, 3]);
    let seen = requests(&server).await;
    assert_eq!(seen[1].url.query(), Some("limit=2&page=2"));
    assert!(seen.iter().all(|request| request.headers.contains_key("authorization")));
}

#[tokio::test]
async fn k22_no_content_is_the_end_and_rows_that_moved_are_listed_once() {
    let server = MockServer::start().await;
    Mock::given(query_param("page", "3"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let third = format!("{PATH}/?page=3");
    Mock::given(query_param("page", "2"))
        .respond_with(page([2, 3], Some(&third)))
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(page([1, 2], Some(&format!("{PATH}?page=2"))))
        .mount(&server)
        .await;
    assert_eq!(ids(&server).await, [1, 2, 3]);
    assert_eq!(requests(&server).await.len(), 3);
}

#[tokio::test]
async fn k22_an_empty_list_in_any_shape_is_empty() {
    for answer in [
        ResponseTemplate::new(204),
        page([], None),
        ResponseTemplate::new(200)
            .set_body_string(r#"{"_links":null,"_embedded":{"custom_fields":[]}}"#),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        assert_eq!(ids(&server).await, [0_u64; 0]);
    }
}

#[tokio::test]
async fn k35_a_link_to_elsewhere_is_not_followed() {
    let other = MockServer::start().await;
    for next in [
        format!("{}{PATH}?page=2", other.uri()),
        format!("http://evil.example{PATH}?page=2"),
        format!("//evil.example{PATH}?page=2"),
        "http://127.0.0.1/api/v4/leads/custom_fields?page=2".to_owned(),
        "/api/v4/users?page=2".to_owned(),
        "/oauth2/access_token".to_owned(),
        "javascript:alert(1)".to_owned(),
        "http://[broken".to_owned(),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(page([1], Some(&next))).expect(1).mount(&server).await;
        assert_eq!(list(&server).await.unwrap_err().kind(), &ErrorKind::Pagination, "{next}");
    }
    assert!(requests(&other).await.is_empty());
}

#[tokio::test]
async fn k35_credentials_in_a_link_are_not_used() {
    let server = MockServer::start().await;
    let next = format!("http://user:secret@{}{PATH}?page=2", server.address());
    Mock::given(query_param("page", "2")).respond_with(page([2], None)).mount(&server).await;
    Mock::given(any()).respond_with(page([1], Some(&next))).mount(&server).await;
    assert_eq!(ids(&server).await, [1, 2]);
    let seen = requests(&server).await;
    assert_eq!(seen[1].headers["authorization"], seen[0].headers["authorization"]);
}

#[tokio::test]
async fn k35_pages_that_loop_are_an_error() {
    let server = MockServer::start().await;
    let next = format!("{PATH}?page=2");
    Mock::given(any()).respond_with(page([1], Some(&next))).mount(&server).await;
    assert_eq!(list(&server).await.unwrap_err().kind(), &ErrorKind::Pagination);
    assert!(requests(&server).await.len() <= 2);
}

#[tokio::test]
async fn k35_pages_that_loop_with_rows_of_their_own_are_an_error() {
    let server = MockServer::start().await;
    for (current, next) in [(2, 3), (3, 4), (4, 5), (5, 2)] {
        let next = format!("{PATH}?page={next}");
        let answer = page([current], Some(&next));
        Mock::given(query_param("page", current.to_string()))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    Mock::given(any())
        .respond_with(page([1], Some(&format!("{PATH}?page=2"))))
        .mount(&server)
        .await;
    assert_eq!(list(&server).await.unwrap_err().kind(), &ErrorKind::Pagination);
    assert_eq!(requests(&server).await.len(), 5);
}

#[tokio::test]
async fn k35_pages_without_end_are_an_error() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(|request: &Request| {
            let current = request.url.query_pairs().find(|(key, _)| key == "page");
            let current: u64 = current.map_or(1, |(_, page)| page.parse().unwrap());
            page([current], Some(&format!("{PATH}?page={}", current + 1)))
        })
        .mount(&server)
        .await;
    assert_eq!(list(&server).await.unwrap_err().kind(), &ErrorKind::Pagination);
    assert_eq!(requests(&server).await.len(), 100);
}

#[tokio::test]
async fn k20_k21_a_list_that_cannot_be_read_is_an_error() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "<html>",
        r#"{"_embedded":null}"#,
        r#"{"_embedded":{"custom_fields":null}}"#,
        r#"{"_embedded":{"custom_fields":{}}}"#,
        r#"{"_embedded":{"custom_fields":[{}]}}"#,
        r#"{"_embedded":{"custom_fields":[{"id":"1"}]}}"#,
        r#"{"_embedded":{"custom_fields":[{"id":1.5}]}}"#,
        r#"{"_embedded":{"custom_fields":[{"id":-1}]}}"#,
        r#"{"_embedded":{"custom_fields":[1]}}"#,
        r#"{"_embedded":{"custom_fields":[{"id":1}]}"#,
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_string(body);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        assert_eq!(list(&server).await.unwrap_err().kind(), &ErrorKind::Decode, "{body}");
    }
}
