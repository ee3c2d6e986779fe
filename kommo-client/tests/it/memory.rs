//! What reading many leads holds in memory.

use allocation_counter::{AllocationInfo, measure};
use kommo_client::LeadFilter;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::path};

use crate::support::client;

const PAGES: u64 = 400;
const ROWS: u64 = 250;

fn page(request: &Request) -> ResponseTemplate {
    let page = request.url.query_pairs().find(|(key, _)| key == "page");
    let page: u64 = page.map_or(1, |(_, page)| page.parse().unwrap());
    let rows: Vec<String> = (0..ROWS)
        .map(|row| {
            let id = page.saturating_mul(ROWS).saturating_add(row);
            format!(
                r#"{{"id":{id},"name":"Deal {id}","price":10,"status_id":51,"pipeline_id":5,"_embedded":{{"tags":[]}}}}"#
            )
        })
        .collect();
    let next = if page < PAGES {
        format!(
            r#","_links":{{"next":{{"href":"/api/v4/leads?page={:04}"}}}}"#,
            page.saturating_add(1)
        )
    } else {
        String::new()
    };
    let text = format!(r#"{{"_embedded":{{"leads":[{}]}}{next}}}"#, rows.join(","));
    ResponseTemplate::new(200).set_body_string(text)
}

/// Counts per thread: the client runs on this one, the server on its own.
#[test]
fn a_stream_of_100_000_leads_stays_flat() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(async {
        let server = MockServer::start().await;
        Mock::given(path("/api/v4/leads")).respond_with(page).mount(&server).await;
        server
    });
    let mut pages = client(&server).leads().list(&LeadFilter::new().by_id());
    let mut leads = 0;
    let seen: Vec<AllocationInfo> = (0..PAGES)
        .map(|_| {
            measure(|| {
                leads += runtime.block_on(pages.next()).unwrap().unwrap().len() as u64;
            })
        })
        .collect();
    assert_eq!(leads, PAGES * ROWS);
    assert!(runtime.block_on(pages.next()).unwrap().is_none());

    let (early, late) = seen.split_at(20);
    let most = |pages: &[AllocationInfo]| pages.iter().map(|page| page.bytes_max).max().unwrap();
    let (first, last) = (most(early), most(late));
    assert!(last <= first + first / 4, "a page took {first} bytes at first and {last} later");
    // What stays of a page is the address it came from, so that pages that go round in circles are noticed.
    let kept: i64 = late.iter().map(|page| page.bytes_current).sum();
    let each = kept / i64::try_from(late.len()).unwrap();
    assert!(each < 256, "{each} bytes stay of each page");
}
