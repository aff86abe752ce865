//! The memory itself, in a real Redis.

use veritrail::ledger::memory::{Memory, Recollection, SignedHead, Step, redis::RedisMemory};
use veritrail_audit::Hash;

use crate::support::redis::Redis;

fn head(size: u64) -> SignedHead {
    SignedHead { size, root: Hash([u8::try_from(size % 251).unwrap(); 32]) }
}

async fn open(redis: &Redis) -> Memory {
    RedisMemory::open(&redis.url()).await.unwrap().into()
}

/// Remembers a head that was proven to extend another; what the memory holds then.
async fn remember(memory: &Memory, from: Option<SignedHead>, to: SignedHead) -> SignedHead {
    let step = Step { origin: "log/a".to_owned(), from, to };
    memory.remember(vec![step]).await.unwrap()[0].unwrap()
}

#[tokio::test]
async fn a_head_is_taken_only_in_place_of_the_one_that_it_extends() {
    let redis = Redis::durable();
    let (one, other) = (open(&redis).await, open(&redis).await);
    assert_eq!(one.last("log/a").await.unwrap(), Recollection::None);
    assert_eq!(remember(&one, None, head(9)).await, head(9));
    // Sizes are numbers, not words.
    assert_eq!(remember(&other, Some(head(9)), head(10)).await, head(10));
    // Proven to extend what is no longer the last: another history could have been signed between.
    assert_eq!(remember(&one, Some(head(9)), head(11)).await, head(10));
    assert_eq!(remember(&one, Some(head(10)), head(9)).await, head(10));
    let fork = SignedHead { size: 10, root: Hash([1; 32]) };
    assert_eq!(remember(&one, Some(head(10)), fork).await, head(10));
    assert_eq!(remember(&one, None, head(12)).await, head(10));
    assert_eq!(remember(&one, Some(head(10)), head(10)).await, head(10));
    assert_eq!(one.last("log/a").await.unwrap(), Recollection::Signed(head(10)));
    assert_eq!(one.last("log/b").await.unwrap(), Recollection::None);
    let big = head(9_007_199_254_740_993);
    assert_eq!(remember(&one, Some(head(10)), big).await, big);
    assert_eq!(remember(&other, Some(big), head(9_007_199_254_740_992)).await, big);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_make_one_history() {
    let redis = Redis::durable();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..8_u8 {
        let memory = open(&redis).await;
        tasks.spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..40 {
                let from = match memory.last("log/a").await.unwrap() {
                    Recollection::Signed(last) => Some(last),
                    other => {
                        assert_eq!(other, Recollection::None);
                        None
                    }
                };
                // Each writer's history is its own: only one of them can extend a head.
                let to = SignedHead { size: from.map_or(1, |from| from.size + 1), root: Hash([writer; 32]) };
                if remember(&memory, from, to).await == to {
                    taken.push(to.size);
                }
            }
            taken
        });
    }
    let mut taken = Vec::new();
    while let Some(done) = tasks.join_next().await {
        taken.extend(done.unwrap());
    }
    taken.sort_unstable();
    assert_eq!(taken, (1..=taken.len() as u64).collect::<Vec<_>>(), "each size was taken once");
}

#[tokio::test]
async fn a_memory_that_goes_back_is_found_out() {
    let redis = Redis::durable();
    let memory = open(&redis).await;
    remember(&memory, None, head(12)).await;
    redis.cli(&["HSET", "veritrail:signed-heads", "log/a", &format!("11 {}", head(11).root)]);
    assert_eq!(memory.last("log/a").await.unwrap(), Recollection::WentBack(head(12)));
    redis.flush();
    assert_eq!(memory.last("log/a").await.unwrap(), Recollection::WentBack(head(12)));
}

#[tokio::test]
async fn one_that_hangs_is_waited_for_once_and_not_by_each_in_turn() {
    let redis = Redis::durable();
    let memory = open(&redis).await;
    redis.hang();
    let began = std::time::Instant::now();
    for _ in 0..20 {
        assert!(memory.last("log/a").await.is_err());
    }
    assert!(began.elapsed().as_millis() < 2_500, "{:?}", began.elapsed());
    redis.go_on();
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert_eq!(memory.last("log/a").await.unwrap(), Recollection::None);
}

#[tokio::test]
async fn a_redis_that_keeps_nothing_is_refused() {
    let refused = RedisMemory::open(&Redis::start().url()).await.unwrap_err();
    assert!(refused.to_string().contains("appendonly is no, it must be yes"), "{refused}");
}
