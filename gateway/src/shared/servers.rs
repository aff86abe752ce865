//! Where Redis is: one server, or a cluster; plain or by TLS.

use std::{path::Path, time::Duration};

use redis::{
    Client, Cmd, Pipeline, RedisFuture, RedisResult, TlsCertificates, Value,
    aio::{ConnectionLike, MultiplexedConnection, PubSub},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
};

use super::RedisError;
use crate::config;

/// The configured servers.
pub(super) struct Servers {
    /// Each by itself: to try one after the other, and to listen at.
    nodes: Vec<Client>,
    cluster: Option<ClusterClient>,
    connect_timeout: Duration,
    response_timeout: Duration,
}

impl Servers {
    pub(super) fn new(config: &config::Redis) -> Result<Self, RedisError> {
        let connect_timeout = Duration::from_millis(config.connect_timeout_ms);
        let response_timeout = Duration::from_millis(config.response_timeout_ms);
        let certificates = config.ca_file.as_deref().map(read_certificates).transpose()?;
        if config.urls().any(|url| url.starts_with("rediss://")) {
            // The one provider in this process; there may be one already.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let mut nodes = Vec::new();
        for url in config.urls() {
            nodes.push(match &certificates {
                Some(certificates) if url.starts_with("rediss://") => {
                    Client::build_with_tls(url, certificates.clone())?
                }
                _ => Client::open(url)?,
            });
        }
        let cluster = if config.cluster {
            let mut builder = ClusterClientBuilder::new(config.urls())
                .retries(1)
                .connection_timeout(connect_timeout)
                .response_timeout(response_timeout);
            if let Some(certificates) = certificates {
                builder = builder.certs(certificates);
            }
            Some(builder.build()?)
        } else {
            None
        };
        Ok(Self { nodes, cluster, connect_timeout, response_timeout })
    }

    /// A connection to the cluster, or to the first server that answers.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        if let Some(cluster) = &self.cluster {
            let connection = within(self.connect_timeout, cluster.get_async_connection()).await?;
            return Ok(Connection::Cluster(connection));
        }
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
            .set_pipeline_buffer_size(1024);
        let mut last = None;
        for node in &self.nodes {
            let connected = node.get_multiplexed_async_connection_with_config(&config);
            match within(self.connect_timeout, connected).await {
                Ok(connection) => return Ok(Connection::One(connection)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| (redis::ErrorKind::InvalidClientConfig, "no server is named").into()))
    }

    /// A connection to listen at. A cluster passes what is published on to all its nodes.
    pub(super) async fn subscribe(&self, channel: &str) -> RedisResult<PubSub> {
        let mut last = None;
        for node in &self.nodes {
            let subscribed = async {
                let mut connection = node.get_async_pubsub().await?;
                connection.subscribe(channel).await?;
                Ok(connection)
            };
            match within(self.connect_timeout, subscribed).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| (redis::ErrorKind::InvalidClientConfig, "no server is named").into()))
    }
}

fn read_certificates(path: &Path) -> Result<TlsCertificates, RedisError> {
    let root = std::fs::read(path).map_err(RedisError::CaFile)?;
    Ok(TlsCertificates { client_tls: None, root_cert: Some(root) })
}

async fn within<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| redis::RedisError::from((redis::ErrorKind::Io, "no connection in time"));
    tokio::time::timeout(limit, work).await.map_err(late)?
}

/// A connection that many may use at once.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
