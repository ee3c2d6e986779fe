use std::sync::{Arc, Mutex};

use paddle_kommo_sync::{PostgresStore, Store, conformance};

use crate::cluster::Cluster;

/// An empty store in a database that is used again and again.
async fn empty(database: &str) -> PostgresStore {
    let cluster = Cluster::shared();
    let session = cluster.session(database).await;
    session.batch_execute("DROP SCHEMA IF EXISTS paddle_kommo CASCADE").await.unwrap();
    PostgresStore::connect(&cluster.url(database)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_keeps_the_contract() {
    let database = Cluster::shared().database().await;
    conformance::store(async || empty(&database).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_database_keep_the_contract() {
    let database = Cluster::shared().database().await;
    // A store whose tables were dropped is not used again, but its sessions end only with it.
    let before = Mutex::new(None);
    conformance::shared(async || {
        before.lock().unwrap().take();
        let one: Arc<dyn Store> = Arc::new(empty(&database).await);
        let url = Cluster::shared().url(&database);
        let two: Arc<dyn Store> = Arc::new(PostgresStore::connect(&url).await.unwrap());
        *before.lock().unwrap() = Some([Arc::clone(&one), Arc::clone(&two)]);
        [one, two]
    })
    .await;
}
