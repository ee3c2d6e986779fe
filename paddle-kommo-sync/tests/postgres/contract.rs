use paddle_kommo_sync::{PostgresStore, conformance};

use crate::cluster::Cluster;

#[tokio::test]
async fn the_postgres_store_keeps_the_contract() {
    let cluster = Cluster::shared();
    conformance::store(async || {
        let database = cluster.database().await;
        PostgresStore::connect(&cluster.url(&database)).await.unwrap()
    })
    .await;
}
