//! The connection to the database breaks at COMMIT: whether the transaction happened is looked up, not
//! guessed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{data, engine::Engine, postgres::Postgres, replicas::Replicas};

/// What becomes of the next COMMIT.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Fate {
    /// It passes, and its answer.
    Passes,
    /// The connection breaks before it reaches the server.
    NeverArrives,
    /// It reaches the server, and the answer is lost.
    AnswerLost,
    /// The connection breaks, and it reaches the server when the service is looking already.
    ArrivesLate,
}

/// A wire between the service and its database that breaks when it is told to.
#[derive(Clone)]
struct Wire {
    fate: Arc<AtomicU8>,
    port: u16,
}

impl Wire {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self { fate: Arc::default(), port: listener.local_addr().unwrap().port() };
        let fate = Arc::clone(&wire.fate);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&fate)));
            }
        });
        wire
    }

    fn next_commit(&self, fate: Fate) {
        self.fate.store(fate as u8, Ordering::SeqCst);
    }

    fn has_struck(&self) -> bool {
        self.fate.load(Ordering::SeqCst) == Fate::Passes as u8
    }
}

/// Carries bytes both ways, until a COMMIT meets its fate.
async fn carry(mut client: TcpStream, server: u16, fate: Arc<AtomicU8>) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                let is_commit = up[..read].windows(7).any(|window| window == b"COMMIT\0");
                let struck = if is_commit { fate.swap(Fate::Passes as u8, Ordering::SeqCst) } else { 0 };
                if struck == Fate::NeverArrives as u8 {
                    return;
                }
                if struck == Fate::ArrivesLate as u8 {
                    drop(client);
                    tokio::time::sleep(Duration::from_millis(700)).await;
                    server.write_all(&up[..read]).await.unwrap();
                    let _ = server.read(&mut down).await;
                    return;
                }
                server.write_all(&up[..read]).await.unwrap();
                if struck == Fate::AnswerLost as u8 {
                    let _ = server.read(&mut down).await;
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                if client.write_all(&down[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_not_answered_is_looked_up_and_never_guessed() {
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    let postgres = Postgres::shared();
    let wire = Wire::to(postgres.port()).await;
    let database = postgres.database();
    let replicas = Replicas::start_on(database.through(wire.port), 1, &[]).await;
    let (feeder, institution) = (replicas.feeder(0).await, replicas.institution().to_owned());
    for (fate, happened) in [
        (Fate::Passes, true),
        (Fate::NeverArrives, false),
        (Fate::AnswerLost, true),
        (Fate::ArrivesLate, true),
        (Fate::NeverArrives, false),
    ] {
        // The signer commits too: wait until it has nothing to do.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let (reference, key) = (data::unique("doubt"), data::unique("key"));
        let lines = data::ndjson(&[data::transaction(&reference)]);
        let send = async || {
            let request = feeder.delivery(&institution, &lines).header("idempotency-key", &key);
            feeder.send(request).await
        };
        wire.next_commit(fate);
        let answer = send().await;
        assert!(wire.has_struck(), "{fate:?}");
        if happened {
            assert_eq!(answer.status, 201, "{fate:?}: {}", answer.text());
        } else {
            answer.problem(503, "unavailable");
        }
        let count = format!("SELECT count(*) FROM veritrail.transactions WHERE reference = '{reference}'");
        assert_eq!(postgres.sql(&database.name, &count), if happened { "1" } else { "0" }, "{fate:?}");
        // Whatever was told, the same call again stores it once.
        let again = send().await.ok();
        assert_eq!(again["added"], 1, "{fate:?}");
        assert_eq!(postgres.sql(&database.name, &count), "1", "{fate:?}");
    }
    let clean = replicas.run(&["fsck", "--institution", &institution]);
    assert!(clean.status.success(), "{}", String::from_utf8_lossy(&clean.stdout));
}
