//! Finding contacts.

use kommo_client::{ContactId, ErrorKind};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path, query_param, query_param_is_missing},
};

use crate::support::{client, json, query, requests};

fn contact(id: u64, code: &str, value: &str, lead: u64) -> String {
    format!(
        r#"{{"id":{id},"name":"N","custom_fields_values":[{{"field_id":1,"field_code":"{code}",
        "values":[{{"value":"x@y.z","enum_code":"WORK"}},{{"value":"{value}","enum_code":"PRIV"}}]}}],
        "_embedded":{{"leads":[{{"id":{lead}}}],"companies":[]}}}}"#
    )
}

#[tokio::test]
async fn only_the_exact_address_is_found_on_whatever_page() {
    let server = MockServer::start().await;
    let next = format!("{}/api/v4/contacts?page=2", server.uri());
    Mock::given(path("/api/v4/contacts"))
        .and(query_param_is_missing("page"))
        .respond_with(json(&format!(
            r#"{{"_links":{{"next":{{"href":"{next}"}}}},"_embedded":{{"contacts":[{},{},{}]}}}}"#,
            contact(1, "EMAIL", " Jo+A@B.example ", 71),
            contact(2, "EMAIL", "bigjo+a@b.example", 72),
            contact(3, "PHONE", "jo+a@b.example", 73),
        )))
        .mount(&server)
        .await;
    Mock::given(path("/api/v4/contacts"))
        .and(query_param("page", "2"))
        .respond_with(json(&format!(
            r#"{{"_embedded":{{"contacts":[{},{{"id":5,"custom_fields_values":null}}]}}}}"#,
            contact(4, "EMAIL", "jo+a@b.example", 74),
        )))
        .mount(&server)
        .await;
    let contacts = client(&server).contacts().find_by_email(" JO+a@b.example\n").await.unwrap();
    let got: Vec<_> =
        contacts.iter().map(|contact| (contact.id.get(), contact.lead_ids[0].get())).collect();
    assert_eq!(got, [(1, 71), (4, 74)]);
    assert_eq!(contacts[0].emails().collect::<Vec<_>>(), ["x@y.z", " Jo+A@B.example "]);
    let first = &requests(&server).await[0];
    assert_eq!(first.url.query(), Some("query=jo%2Ba%40b.example&with=leads&limit=250"));
}

#[tokio::test]
async fn what_is_no_address_is_not_searched_for() {
    let server = MockServer::start().await;
    for text in ["", " ", "acme"] {
        let error = client(&server).contacts().find_by_email(text).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidRequest, "{text}");
    }
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn nothing_found_is_an_empty_list_and_nobody_is_none() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let contacts = client(&server).contacts();
    assert_eq!(contacts.find_by_email("a@b.example").await.unwrap(), []);
    assert_eq!(contacts.get(ContactId::new(7)).await.unwrap(), None);
    let requests = requests(&server).await;
    assert_eq!(requests[1].url.path(), "/api/v4/contacts/7");
    assert_eq!(query(&requests[1]), [("with".to_owned(), "leads".to_owned())]);
}
