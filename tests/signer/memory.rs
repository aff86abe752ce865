//! The memory itself, in a real Redis.

use veritrail::ledger::memory::{Memory, Recollection, SignedHead, redis::RedisMemory};
use veritrail_audit::Hash;

use crate::support::redis::Redis;

fn head(size: u64) -> SignedHead {
    SignedHead { size, root: Hash([u8::try_from(size % 251).unwrap(); 32]) }
}

async fn open(redis: &Redis) -> Memory {
    RedisMemory::open(&redis.url()).await.unwrap().into()
}

async fn remember(memory: &Memory, head: SignedHead) -> SignedHead {
    memory.remember(vec![("log/a".to_owned(), head)]).await.unwrap()[0].1
}

#[tokio::test]
async fn it_only_goes_forward_whoever_writes() {
    let redis = Redis::durable();
    let (one, other) = (open(&redis).await, open(&redis).await);
    assert_eq!(one.last("log/a").await.unwrap(), Recollection::None);
    assert_eq!(remember(&one, head(9)).await, head(9));
    // Sizes are numbers, not words.
    assert_eq!(remember(&other, head(10)).await, head(10));
    assert_eq!(remember(&one, head(9)).await, head(10));
    assert_eq!(remember(&one, SignedHead { size: 10, root: Hash([1; 32]) }).await, head(10));
    assert_eq!(one.last("log/a").await.unwrap(), Recollection::Signed(head(10)));
    assert_eq!(one.last("log/b").await.unwrap(), Recollection::None);
    let big = head(9_007_199_254_740_993);
    assert_eq!(remember(&one, big).await, big);
    assert_eq!(remember(&other, head(9_007_199_254_740_992)).await, big);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_never_take_it_back() {
    let redis = Redis::durable();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let memory = open(&redis).await;
        tasks.spawn(async move {
            for round in 0..50 {
                // Each writer goes forward by itself, behind or ahead of the others.
                let mine = head(1 + round * 8 + (writer * 5) % 8);
                let held = remember(&memory, mine).await;
                assert!(held.size >= mine.size, "{held:?} after {mine:?}");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(open(&redis).await.last("log/a").await.unwrap(), Recollection::Signed(head(400)));
}

#[tokio::test]
async fn a_memory_that_goes_back_is_found_out() {
    let redis = Redis::durable();
    let memory = open(&redis).await;
    remember(&memory, head(12)).await;
    redis.cli(&["HSET", "veritrail:signed-heads", "log/a", &format!("11 {}", head(11).root)]);
    assert_eq!(memory.last("log/a").await.unwrap(), Recollection::WentBack(head(12)));
    redis.flush();
    assert_eq!(memory.last("log/a").await.unwrap(), Recollection::WentBack(head(12)));
}

#[tokio::test]
async fn a_redis_that_keeps_nothing_is_refused() {
    let refused = RedisMemory::open(&Redis::start().url()).await.unwrap_err();
    assert!(refused.to_string().contains("appendonly is no, it must be yes"), "{refused}");
}
