use std::sync::{Arc, Mutex};

use paddle_kommo_sync::{PostgresStore, Store, conformance};

use crate::cluster;

/// An empty store in a database that is used again and again.
async fn empty(database: &str) -> PostgresStore {
    let cluster = cluster::shared();
    let session = cluster.session(database).await.unwrap();
    session.batch_execute("DROP SCHEMA IF EXISTS paddle_kommo CASCADE").await.unwrap();
    PostgresStore::connect(&cluster.url(database)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_keeps_the_contract() {
    let database = cluster::shared().database().await.unwrap();
    conformance::store(async || empty(&database).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_database_keep_the_contract() {
    let database = cluster::shared().database().await.unwrap();
    // A store whose tables were dropped is not used again, but its sessions end only with it.
    let before = Mutex::new(None);
    conformance::shared(async || {
        before.lock().unwrap().take();
        let one: Arc<dyn Store> = Arc::new(empty(&database).await);
        let url = cluster::shared().url(&database);
        let two: Arc<dyn Store> = Arc::new(PostgresStore::connect(&url).await.unwrap());
        *before.lock().unwrap() = Some([Arc::clone(&one), Arc::clone(&two)]);
        [one, two]
    })
    .await;
}
